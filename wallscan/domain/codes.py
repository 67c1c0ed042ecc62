"""Every stable error code, in one place: clients branch on these, never on messages."""

from enum import StrEnum


class Code(StrEnum):
    """A stable, documented reason. Values are part of the public contract and never change meaning."""

    # Photos: the bytes themselves
    PHOTO_CHECKSUM_MISMATCH = "photo_checksum_mismatch"  # not the bytes whose SHA-256 was announced
    PHOTO_CORRUPT = "photo_corrupt"  # right type, but the pixels cannot be decoded
    PHOTO_EMPTY = "photo_empty"  # zero bytes
    PHOTO_NOT_AN_IMAGE = "photo_not_an_image"  # content is no known image type, whatever the name says
    PHOTO_NOT_UPLOADED = "photo_not_uploaded"  # announced, but its bytes never arrived
    PHOTO_TOO_MANY_BYTES = "photo_too_many_bytes"
    PHOTO_TOO_MANY_PIXELS = "photo_too_many_pixels"
    PHOTO_TRUNCATED = "photo_truncated"  # the file ends before its picture does
    PHOTO_TYPE_UNSUPPORTED = "photo_type_unsupported"  # an image, but of a type not accepted
    PHOTO_ZERO_PIXELS = "photo_zero_pixels"  # width or height is 0

    # Uploads: where a photo says it belongs
    PATH_CONFLICT = "path_conflict"  # another photo with other bytes is already at this path
    PATH_INVALID = "path_invalid"  # absolute, climbing (..), too long, or no file name
    WALL_NAME_INVALID = "wall_name_invalid"
    WALL_UNKNOWN = "wall_unknown"

    # Archives
    ARCHIVE_BOMB = "archive_bomb"  # unpacks to far more than it may
    ARCHIVE_CORRUPT = "archive_corrupt"
    ARCHIVE_EMPTY = "archive_empty"  # holds no file at all
    ARCHIVE_ENTRY_CORRUPT = "archive_entry_corrupt"  # cannot be unpacked, or fails its checksum
    ARCHIVE_ENTRY_DUPLICATE = "archive_entry_duplicate"  # a second entry of the same path
    ARCHIVE_ENTRY_ENCRYPTED = "archive_entry_encrypted"
    ARCHIVE_ENTRY_NESTED = "archive_entry_nested"  # an archive inside the archive
    ARCHIVE_ENTRY_SYMLINK = "archive_entry_symlink"
    ARCHIVE_ENTRY_UNSUPPORTED = "archive_entry_unsupported"  # a device, or an unusual compression
    ARCHIVE_NOT_UPLOADED = "archive_not_uploaded"
    ARCHIVE_NOT_ZIP = "archive_not_zip"
    ARCHIVE_TOO_MANY_BYTES = "archive_too_many_bytes"
    ARCHIVE_TOO_MANY_ENTRIES = "archive_too_many_entries"
    ARCHIVE_TRUNCATED = "archive_truncated"  # ends before its table of contents

    # Prompts
    PROMPT_EMPTY = "prompt_empty"
    PROMPT_TOO_LONG = "prompt_too_long"  # more characters than a prompt may have
    PROMPT_TOO_MANY_TOKENS = "prompt_too_many_tokens"  # more tokens than the model reads
    PROMPTS_DUPLICATE = "prompts_duplicate"  # the same, or the same file name, twice
    PROMPTS_TOO_MANY = "prompts_too_many"

    # Post-processing
    PIPELINE_PARAMETER_INVALID = "pipeline_parameter_invalid"  # not one of it, or not a value it may have
    PIPELINE_UNKNOWN = "pipeline_unknown"  # no pipeline of that name and version

    # Processing
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"  # the photo ended its worker each time it was tried
    INFERENCE_FAILED = "inference_failed"
    INFERENCE_NOT_FINITE = "inference_not_finite"  # the model answered NaN or infinity
    INFERENCE_TIMEOUT = "inference_timeout"

    # Models
    BUNDLE_ARCHITECTURE_UNSUPPORTED = "bundle_architecture_unsupported"
    BUNDLE_BASE_MISSING = "bundle_base_missing"  # the whole model that a decoder alone completes
    BUNDLE_CHECKSUM_MISMATCH = "bundle_checksum_mismatch"
    BUNDLE_FILE_FORBIDDEN = "bundle_file_forbidden"  # pickled weights, code, or an unknown file
    BUNDLE_FILE_MISSING = "bundle_file_missing"
    BUNDLE_MANIFEST_INVALID = "bundle_manifest_invalid"
    BUNDLE_UNLOADABLE = "bundle_unloadable"
    COMPARISON_TIMEOUT = "comparison_timeout"  # versions were compared for longer than allowed
    CONVERSION_KILLED = "conversion_killed"  # ended from outside, as for want of memory
    HUB_UNREACHABLE = "hub_unreachable"
    MODEL_ACTIVE_CHANGED = "model_active_changed"  # another version became active meanwhile
    MODEL_GATE_REFUSED = "model_gate_refused"  # it came out worse than the active one
    MODEL_NOT_READY = "model_not_ready"  # uploaded or checked only in part
    MODEL_UNKNOWN = "model_unknown"
    ROLLBACK_IMPOSSIBLE = "rollback_impossible"  # no version served before the active one

    # Requests
    ARCHIVE_UNKNOWN = "archive_unknown"
    BODY_TOO_LARGE = "body_too_large"
    CURSOR_INVALID = "cursor_invalid"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"  # the first request with it has not answered yet
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"  # same key, another request
    INSPECTION_EMPTY = "inspection_empty"  # submitted without one usable photo
    INSPECTION_UNKNOWN = "inspection_unknown"
    JSON_INVALID = "json_invalid"  # not JSON, or not UTF-8
    KEY_INVALID = "key_invalid"  # missing, wrong, expired or revoked
    MASK_UNKNOWN = "mask_unknown"  # no finished result of that prompt
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NAME_TAKEN = "name_taken"
    PHOTO_UNKNOWN = "photo_unknown"
    REQUEST_INVALID = "request_invalid"  # a field is missing or out of its range
    ROUTE_UNKNOWN = "route_unknown"
    RUN_NOT_CANCELLABLE = "run_not_cancellable"
    RUN_NOT_RETRYABLE = "run_not_retryable"
    RUN_NOT_REUSABLE = "run_not_reusable"  # of another inspection, or with another model or prompts
    RUN_UNKNOWN = "run_unknown"
    SCOPE_MISSING = "scope_missing"  # the key may not do this
    SITE_UNKNOWN = "site_unknown"

    # The command line: files and addresses on the caller's side
    API_UNREACHABLE = "api_unreachable"  # nothing answers at the server's address
    FILE_CHANGED = "file_changed"  # not the bytes any more that were announced
    FILE_UNREADABLE = "file_unreadable"  # vanished, or may not be read
    FOLDER_WITHOUT_PHOTOS = "folder_without_photos"
    MASK_CHECKSUM_MISMATCH = "mask_checksum_mismatch"  # the mask that arrived is not the one reported
    MODEL_SOURCE_UNKNOWN = "model_source_unknown"  # neither a folder, nor a bundle file, nor a hub id
    OUTPUT_UNWRITABLE = "output_unwritable"  # the file cannot be written there
    OUTPUT_TAKEN = "output_taken"  # the folder to write to already holds something

    # Training
    BENCHMARK_UNUSABLE = "benchmark_unusable"  # the data set has no annotated photo to compare on
    CHECKPOINT_MISSING = "checkpoint_missing"  # the work folder holds no checkpoint of a run
    CLASSES_INVALID = "classes_invalid"  # no mapping of classes to families, or one that cannot be used
    DATASET_CHECKSUM_MISMATCH = "dataset_checksum_mismatch"  # storage holds other bytes than announced
    DATASET_NOT_UPLOADED = "dataset_not_uploaded"  # announced, but its bytes never arrived
    DATASET_UNKNOWN = "dataset_unknown"
    DISK_TOO_SMALL = "disk_too_small"  # no room for what a run keeps on disk
    HELD_OUT_DIFFERS = "held_out_differs"  # not the photos that a bundle's training held out
    RECIPE_INVALID = "recipe_invalid"  # no recipe, or one that cannot be run on this data or machine
    TRAINING_DIVERGED = "training_diverged"  # its loss or gradients are no finite numbers any more
    TRAINING_NOT_CANCELLABLE = "training_not_cancellable"
    TRAINING_PHOTOS_MISSING = "training_photos_missing"  # nothing to learn from, or nothing to hold out
    TRAINING_UNKNOWN = "training_unknown"
    WORK_FOLDER_TAKEN = "work_folder_taken"  # the work folder holds another run

    # The system
    BROKER_UNAVAILABLE = "broker_unavailable"
    DATABASE_UNAVAILABLE = "database_unavailable"
    INTERNAL_ERROR = "internal_error"
    NOT_READY = "not_ready"  # the database, the queue or storage does not answer the readiness check
    OBJECT_EXISTS = "object_exists"  # storage already holds an object under this key
    OBJECT_MISSING = "object_missing"  # storage holds no object under this key
    SERVER_BINARY_MISSING = "server_binary_missing"
    SERVER_START_FAILED = "server_start_failed"
    STACK_BUSY = "stack_busy"  # another launcher holds the data folder
    STORAGE_UNAVAILABLE = "storage_unavailable"
