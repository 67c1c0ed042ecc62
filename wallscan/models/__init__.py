"""Model bundles as files: manifest, hashes, packing, the shipped starter. Neither torch nor transformers."""

from wallscan.domain.errors import BundleError
from wallscan.models.delta import whole_folder
from wallscan.models.files import check_files, parse_manifest, read_manifest, write_manifest
from wallscan.models.folder import from_model_folder, packed
from wallscan.models.manifest import Base, BundleFile, Family, Gate, Manifest, bundle_digest
from wallscan.models.starter import starter_bundle

__all__ = [
    "Base",
    "BundleError",
    "BundleFile",
    "Family",
    "Gate",
    "Manifest",
    "bundle_digest",
    "check_files",
    "from_model_folder",
    "packed",
    "parse_manifest",
    "read_manifest",
    "starter_bundle",
    "whole_folder",
    "write_manifest",
]
