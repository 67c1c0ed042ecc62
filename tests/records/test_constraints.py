"""The constraints are the rules: each is named here with a write that tries to break it and is refused."""

import uuid

import psycopg
import pytest
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint, text
from sqlalchemy.exc import IntegrityError

from tests.records.one_of_each import insert_one_of_each
from wallscan.records.access import Key
from wallscan.records.session import make_engine

NOBODY = uuid.UUID(int=0)
SAME_NAME = "INSERT INTO {table} (id, {columns}) SELECT gen_random_uuid(), {columns} FROM {table}"
TASK = (
    "INSERT INTO tasks (run_id, photo_id, state, attempt, tries, ended_at) "
    "SELECT {}, state, attempt, tries, ended_at FROM tasks"
)
MODEL = (
    "INSERT INTO model_versions (id, name, digest, manifest, state, active) "
    "SELECT gen_random_uuid(), name, {}, manifest, state, {} FROM model_versions WHERE active"
)

COMPARISONS = (
    "INSERT INTO model_comparisons (id, model_id, active_id, key_name, state, attempt) "
    "SELECT gen_random_uuid(), model_id, active_id, key_name, 'queued', 0 "
    "FROM model_comparisons, generate_series(1, 2)"
)

REFUSED = [
    ("ck_archives_failed_has_code", "UPDATE archives SET state = 'failed'"),
    ("ck_archives_failed_has_code", "UPDATE archives SET code = 'archive_corrupt'"),
    ("ck_archives_lease", "UPDATE archives SET state = 'running'"),
    ("ck_archives_lease", "UPDATE archives SET lease_until = now()"),
    ("ck_archives_state", "UPDATE archives SET state = 'lost'"),
    ("ck_datasets_size", "UPDATE datasets SET size_bytes = 0"),
    ("ck_datasets_state", "UPDATE datasets SET state = 'gone'"),
    ("ck_items_components", "UPDATE items SET components = -1"),
    ("ck_items_components", "UPDATE items SET largest_component_px = 2"),
    ("ck_items_coverage", "UPDATE items SET coverage_pct = 100.1"),
    ("ck_items_coverage", "UPDATE items SET coverage_pct = 'NaN'"),
    ("ck_items_estimate", "UPDATE items SET estimated_coverage_pct = 101"),
    ("ck_items_estimate", "UPDATE items SET estimated_coverage_pct = 5, estimated_low_pct = 6"),
    ("ck_items_estimate", "UPDATE items SET estimated_coverage_pct = 5, estimated_high_pct = 4"),
    ("ck_items_estimate", "UPDATE items SET estimated_low_pct = -1"),
    ("ck_items_map", "UPDATE items SET map_key = 'k'"),
    ("ck_items_map", "UPDATE items SET map_sha256 = 's'"),
    ("ck_items_pixels", "UPDATE items SET foreground_px = 5"),
    ("ck_items_pixels", "UPDATE items SET analysed_px = 0, foreground_px = 0, largest_component_px = 0"),
    ("ck_items_probabilities", "UPDATE items SET presence = -0.1"),
    ("ck_items_probabilities", "UPDATE items SET mean_probability = 'NaN'"),
    ("ck_items_probabilities", "UPDATE items SET max_probability = 1.1"),
    ("ck_items_probabilities", "UPDATE items SET threshold = 'Infinity'"),
    ("ck_items_prompt_index", "UPDATE items SET prompt_index = -1"),
    ("ck_keys_scopes", "UPDATE keys SET scopes = '{read,everything}'"),
    ("ck_keys_secret_is_hashed", "UPDATE keys SET secret_sha256 = 'the secret itself'"),
    ("ck_model_activations_back", "UPDATE model_activations SET back_to = number"),
    ("ck_model_activations_forced_has_reason", "UPDATE model_activations SET kind = 'forced'"),
    ("ck_model_activations_kind", "UPDATE model_activations SET kind = 'whim'"),
    ("ck_model_comparisons_ended", "UPDATE model_comparisons SET ended_at = NULL"),
    ("ck_model_comparisons_lease", "UPDATE model_comparisons SET lease_until = now()"),
    ("ck_model_comparisons_numbers", "UPDATE model_comparisons SET numbers = NULL"),
    ("ck_model_comparisons_refused_has_code", "UPDATE model_comparisons SET code = 'model_gate_refused'"),
    ("ck_model_comparisons_state", "UPDATE model_comparisons SET state = 'lost', ended_at = NULL"),
    ("ck_model_comparisons_two_models", "UPDATE model_comparisons SET active_id = model_id"),
    ("ck_model_versions_active_is_ready", "UPDATE model_versions SET state = 'checking'"),
    ("ck_model_versions_not_own_base", "UPDATE model_versions SET base_id = id"),
    ("ck_model_versions_rejected_has_code", "UPDATE model_versions SET state = 'rejected', active = false"),
    ("ck_model_versions_state", "UPDATE model_versions SET state = 'new', active = false"),
    ("ck_photos_not_own_duplicate", "UPDATE photos SET duplicate_of_id = id"),
    ("ck_photos_rejected_has_code", "UPDATE photos SET state = 'rejected'"),
    ("ck_photos_rejected_has_code", "UPDATE photos SET code = 'photo_corrupt'"),
    ("ck_photos_size", "UPDATE photos SET width_px = 0, height_px = 10"),
    ("ck_photos_state", "UPDATE photos SET state = 'gone'"),
    ("ck_photos_wall", "UPDATE photos SET wall_id = NULL"),
    ("ck_runs_ended", "UPDATE runs SET state = 'succeeded'"),
    ("ck_runs_ended", "UPDATE runs SET ended_at = now()"),
    ("ck_runs_failed_has_code", "UPDATE runs SET state = 'failed', ended_at = now()"),
    ("ck_runs_look_detail", "UPDATE runs SET look_detail = '4'"),
    ("ck_runs_prompts", "UPDATE runs SET prompts = '{}'"),
    ("ck_runs_prompts", "UPDATE runs SET prompts = array_fill('crack'::text, ARRAY[17])"),
    ("ck_runs_state", "UPDATE runs SET state = 'paused'"),
    ("ck_tasks_ended", "UPDATE tasks SET ended_at = NULL"),
    ("ck_tasks_ended", "UPDATE tasks SET state = 'queued'"),
    ("ck_tasks_failed_has_code", "UPDATE tasks SET state = 'failed'"),
    ("ck_tasks_lease", "UPDATE tasks SET state = 'running', ended_at = NULL"),
    ("ck_tasks_lease", "UPDATE tasks SET lease_until = now()"),
    ("ck_tasks_state", "UPDATE tasks SET state = 'asleep', ended_at = NULL"),
    ("ck_training_epochs_number", "UPDATE training_epochs SET number = 0"),
    ("ck_trainings_ended", "UPDATE trainings SET ended_at = NULL"),
    ("ck_trainings_failed_has_code", "UPDATE trainings SET state = 'failed'"),
    ("ck_trainings_lease", "UPDATE trainings SET state = 'running', ended_at = NULL"),
    ("ck_trainings_lease", "UPDATE trainings SET lease_until = now()"),
    ("ck_trainings_recipe", "UPDATE trainings SET recipe_name = NULL"),
    ("ck_trainings_split", "UPDATE trainings SET split = 'shuffled'"),
    ("ck_trainings_state", "UPDATE trainings SET state = 'paused', ended_at = NULL"),
    ("ck_trainings_steps", "UPDATE trainings SET step = -1"),
    ("ck_trainings_succeeded_has_model", "UPDATE trainings SET model_id = NULL"),
    ("fk_archives_inspection_id", "UPDATE archives SET inspection_id = :nobody"),
    ("fk_benchmarks_dataset_id", "UPDATE benchmarks SET dataset_id = :nobody"),
    ("fk_inspections_active_run_id", "UPDATE inspections SET active_run_id = :nobody"),
    ("fk_inspections_site_id", "UPDATE inspections SET site_id = :nobody"),
    ("fk_items_run_id_photo_id", "UPDATE items SET photo_id = :nobody"),
    ("fk_model_activations_back_to", "UPDATE model_activations SET back_to = -1"),
    ("fk_model_activations_comparison_id", "UPDATE model_activations SET comparison_id = :nobody"),
    ("fk_model_activations_model_id", "UPDATE model_activations SET model_id = :nobody"),
    ("fk_model_comparisons_active_id", "UPDATE model_comparisons SET active_id = :nobody"),
    ("fk_model_comparisons_dataset_id", "UPDATE model_comparisons SET dataset_id = :nobody"),
    ("fk_model_comparisons_model_id", "UPDATE model_comparisons SET model_id = :nobody"),
    ("fk_model_versions_base_id", "UPDATE model_versions SET base_id = :nobody"),
    ("fk_photos_archive_id", "UPDATE photos SET archive_id = :nobody"),
    ("fk_photos_duplicate_of_id", "UPDATE photos SET duplicate_of_id = :nobody"),
    ("fk_photos_inspection_id", "UPDATE photos SET inspection_id = :nobody"),
    ("fk_photos_wall_id", "UPDATE photos SET wall_id = :nobody"),
    ("fk_photos_wall_id", "DELETE FROM walls"),
    ("fk_remembered_answers_key_id", "UPDATE remembered_answers SET key_id = :nobody"),
    ("fk_runs_from_run_id", "UPDATE runs SET from_run_id = :nobody"),
    ("fk_runs_inspection_id", "UPDATE runs SET inspection_id = :nobody"),
    ("fk_runs_model_version_id", "UPDATE runs SET model_version_id = :nobody"),
    ("fk_tasks_photo_id", TASK.format("run_id, :nobody")),
    ("fk_tasks_run_id", TASK.format(":nobody, photo_id")),
    ("fk_training_datasets_dataset_id", "UPDATE training_datasets SET dataset_id = :nobody"),
    ("fk_training_datasets_training_id", "UPDATE training_datasets SET training_id = :nobody"),
    ("fk_training_epochs_training_id", "UPDATE training_epochs SET training_id = :nobody"),
    ("fk_trainings_base_model_id", "UPDATE trainings SET base_model_id = :nobody"),
    ("fk_trainings_model_id", "UPDATE trainings SET model_id = :nobody"),
    ("fk_walls_site_id", "UPDATE walls SET site_id = :nobody"),
    ("pk_items", "INSERT INTO items SELECT * FROM items"),
    ("pk_remembered_answers", "INSERT INTO remembered_answers SELECT * FROM remembered_answers"),
    ("pk_tasks", "INSERT INTO tasks SELECT * FROM tasks"),
    ("uq_datasets_sha256", SAME_NAME.format(table="datasets", columns="name, sha256, size_bytes, state")),
    ("uq_keys_prefix", SAME_NAME.format(table="keys", columns="name, prefix, secret_sha256, scopes")),
    ("uq_model_comparisons_open", COMPARISONS),
    ("uq_model_versions_active", MODEL.format("'another'", "true")),
    ("uq_model_versions_digest", MODEL.format("digest", "false")),
    (
        "uq_photos_inspection_id_path",
        SAME_NAME.format(table="photos", columns="inspection_id, wall_id, path, state"),
    ),
    ("uq_sites_name", SAME_NAME.format(table="sites", columns="name")),
    (
        "uq_training_datasets_training_id_dataset_id",
        "INSERT INTO training_datasets SELECT training_id, 1, dataset_id FROM training_datasets",
    ),
    ("uq_walls_site_id_name", SAME_NAME.format(table="walls", columns="site_id, name")),
]


@pytest.fixture(scope="module")
def filled(servers, _migrated):
    name = "constraints"
    engine = make_engine(servers.create_database(name, template=_migrated))
    with engine.begin() as connection:
        insert_one_of_each(connection)
    yield engine
    engine.dispose()
    servers.drop_database(name)


@pytest.fixture
def connection(filled):
    """A transaction on a database with a row in every table; the test's changes are undone after it."""
    with filled.connect() as connection:
        yield connection


def written(connection, statement):
    order = text(statement)
    values = {"nobody": NOBODY} if ":nobody" in statement else {}
    connection.execute(order, values)
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


@pytest.mark.parametrize(("constraint", "statement"), REFUSED)
def test_what_would_break_a_rule_is_refused(connection, constraint, statement):
    with pytest.raises(IntegrityError) as caught:
        written(connection, statement)
    assert isinstance(caught.value.orig, psycopg.IntegrityError)
    assert caught.value.orig.diag.constraint_name == constraint


def test_no_constraint_is_left_untried():
    kinds = (CheckConstraint, ForeignKeyConstraint, UniqueConstraint)
    tables = Key.metadata.tables.values()
    named = {str(rule.name) for table in tables for rule in table.constraints if isinstance(rule, kinds)}
    unique = {str(index.name) for table in tables for index in table.indexes if index.unique}
    assert named | unique <= {constraint for constraint, _ in REFUSED}


def test_a_site_takes_everything_of_it_along(connection):
    written(connection, "DELETE FROM sites")
    for table in ("walls", "inspections", "archives", "photos", "runs", "tasks", "items"):
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table  # noqa: S608 - constant
    assert connection.scalar(text("SELECT count(*) FROM model_versions")) == 2


@pytest.mark.parametrize(
    ("deleted", "left"),
    [
        ("runs", "SELECT active_run_id IS NULL FROM inspections"),
        ("archives", "SELECT archive_id IS NULL FROM photos"),
    ],
)
def test_what_is_deleted_is_forgotten_where_it_was_named(connection, deleted, left):
    written(connection, f"DELETE FROM {deleted}")  # noqa: S608 - constant
    assert connection.scalar(text(left)) is True
