"""A row in every table, in plain SQL: it works on any revision, whatever the models say today."""

from sqlalchemy import Connection, text

_ONE_OF_EACH = """
INSERT INTO sites (id, name) VALUES (gen_random_uuid(), 'site');
INSERT INTO walls (id, site_id, name) SELECT gen_random_uuid(), id, 'north' FROM sites;
INSERT INTO inspections (id, site_id, name) SELECT gen_random_uuid(), id, 'first' FROM sites;
INSERT INTO archives (id, inspection_id, file_name, state, attempt, entries_done, ignored_entries)
    SELECT gen_random_uuid(), id, 'photos.zip', 'succeeded', 1, 1, 0 FROM inspections;
INSERT INTO photos (id, inspection_id, wall_id, archive_id, path, state)
    SELECT gen_random_uuid(), inspections.id, walls.id, archives.id, 'north/1.jpg', 'stored'
    FROM inspections, walls, archives;
INSERT INTO model_versions (id, name, digest, manifest, state, active)
    VALUES (gen_random_uuid(), 'starter', 'd', '{}', 'ready', true);
INSERT INTO runs (id, inspection_id, model_version_id, prompts, postprocess, state)
    SELECT gen_random_uuid(), inspections.id, model_versions.id, '{crack}', '{}', 'running'
    FROM inspections, model_versions;
UPDATE inspections SET active_run_id = runs.id FROM runs;
INSERT INTO tasks (run_id, photo_id, state, attempt, tries, ended_at)
    SELECT runs.id, photos.id, 'succeeded', 1, 1, now() FROM runs, photos;
INSERT INTO items (run_id, photo_id, prompt_index, mask_key, mask_sha256, foreground_px, analysed_px,
    coverage_pct, presence, mean_probability, max_probability, components, largest_component_px)
    SELECT run_id, photo_id, 0, 'k', 's', 1, 4, 25, 1, 1, 1, 1, 1 FROM tasks;
INSERT INTO keys (id, name, prefix, secret_sha256, scopes)
    VALUES (gen_random_uuid(), 'k', 'p', sha256('x'), '{read}');
INSERT INTO remembered_answers (key_id, idempotency_key, request_sha256, headers)
    SELECT id, 'once', 's', '{}' FROM keys;
"""
_TRAININGS = """
INSERT INTO datasets (id, name, sha256, size_bytes, state)
    VALUES (gen_random_uuid(), 'walls', 's', 1, 'stored');
INSERT INTO trainings (id, name, recipe_name, model_id, state, attempt, tries, step, started_at, ended_at)
    SELECT gen_random_uuid(), 'mine', 'starter', id, 'succeeded', 1, 0, 6, now(), now() FROM model_versions;
INSERT INTO training_datasets (training_id, place, dataset_id)
    SELECT trainings.id, 0, datasets.id FROM trainings, datasets;
INSERT INTO training_epochs (training_id, number, step, learning_rate, seconds)
    SELECT id, 1, 3, 0.1, 2 FROM trainings;
"""
_MODEL_GATE = """
INSERT INTO benchmarks (dataset_id, key_name) SELECT id, 'k' FROM datasets;
INSERT INTO model_versions (id, name, digest, manifest, state, active, base_id)
    SELECT gen_random_uuid(), 'tuned', 'e', '{}', 'ready', false, id FROM model_versions;
INSERT INTO model_comparisons
    (id, model_id, active_id, dataset_id, key_name, state, attempt, numbers, ended_at)
    SELECT gen_random_uuid(), one.id, two.id, datasets.id, 'k', 'passed', 1, '{}', now()
    FROM model_versions one, model_versions two, datasets WHERE two.active AND NOT one.active;
INSERT INTO model_activations (model_id, kind, comparison_id)
    SELECT model_id, 'gate', id FROM model_comparisons;
"""


def insert_one_of_each(connection: Connection) -> None:
    """All rows hang together: one site, its wall, its inspection, and so on down to an item."""
    later = _TRAININGS if connection.scalar(text("SELECT to_regclass('trainings')")) else ""
    if connection.scalar(text("SELECT to_regclass('model_activations')")):
        later += _MODEL_GATE
    for statement in (_ONE_OF_EACH + later).strip().split(";\n"):
        connection.execute(text(statement))
