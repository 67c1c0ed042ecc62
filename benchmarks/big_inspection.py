"""A large inspection made by the database itself: every fate that a photo can have, in known shares."""

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

PROMPTS = ("crack", "drywall joint")

_PLACES = """
INSERT INTO sites (id, name) VALUES (:site, 'big site ' || :site);
INSERT INTO walls (id, site_id, name)
    SELECT gen_random_uuid(), :site, 'wall ' || to_char(n, 'FM0000') FROM generate_series(0, :walls - 1) n;
INSERT INTO inspections (id, site_id, name) VALUES (:inspection, :site, 'big');
INSERT INTO model_versions (id, name, digest, manifest, state, active)
    VALUES (:model, 'starter', CAST(:model AS text), '{}', 'ready', false);
INSERT INTO runs (id, inspection_id, model_version_id, prompts, postprocess, state)
    VALUES (:run, :inspection, :model, :prompts, '{"name": "founding"}', 'running');
UPDATE inspections SET active_run_id = :run WHERE id = :inspection
"""

# Photo n lies on wall n % walls. Of every hundred, numbers 90 to 99 are not simply analysed.
_PHOTOS = """
INSERT INTO photos (id, inspection_id, wall_id, path, state, code, sha256, width_px, height_px)
    SELECT gen_random_uuid(), :inspection, CASE WHEN n % 400 <> 90 THEN w.id END,
           w.name || '/' || to_char(n, 'FM000000') || '.jpg',
           CASE n % 100 WHEN 90 THEN 'rejected' WHEN 91 THEN 'rejected' WHEN 92 THEN 'expected'
               ELSE 'stored' END,
           CASE n % 100 WHEN 90 THEN 'photo_corrupt' WHEN 91 THEN 'photo_not_uploaded' END,
           md5(n::text), 4000, 3000
    FROM generate_series(0, :photos - 1) n
    JOIN (SELECT id, name, row_number() OVER (ORDER BY name) - 1 AS number FROM walls WHERE site_id = :site) w
      ON w.number = n % :walls;
WITH numbered AS MATERIALIZED (
    SELECT id, left(right(path, 10), 6)::int AS n FROM photos WHERE inspection_id = :inspection
), copies AS MATERIALIZED (
    SELECT id, CASE WHEN n % 100 = 93 THEN n - :walls WHEN n % 200 = 94 THEN n - 5 ELSE n + 1 END AS first
    FROM numbered WHERE n % 100 IN (93, 94)
)
UPDATE photos SET duplicate_of_id = original.id
    FROM copies JOIN numbered original ON original.n = copies.first
    WHERE photos.id = copies.id
"""
_RESULTS = """
INSERT INTO tasks (run_id, photo_id, state, attempt, tries, lease_until, code, ended_at)
    SELECT :run, id, fate.state, 1, 1,
           CASE WHEN fate.state = 'running' THEN now() END,
           CASE WHEN fate.state = 'failed' THEN 'inference_failed' END,
           CASE WHEN fate.state IN ('succeeded', 'failed', 'cancelled') THEN now() END
    FROM photos CROSS JOIN LATERAL (SELECT CASE right(path, 6)
        WHEN '95.jpg' THEN 'failed' WHEN '96.jpg' THEN 'cancelled' WHEN '97.jpg' THEN 'queued'
        WHEN '98.jpg' THEN 'running' ELSE 'succeeded' END AS state) fate
    WHERE inspection_id = :inspection AND photos.state = 'stored' AND duplicate_of_id IS NULL
      AND right(path, 6) <> '99.jpg';
INSERT INTO items (run_id, photo_id, prompt_index, mask_key, mask_sha256, foreground_px, analysed_px,
                   coverage_pct, presence, mean_probability, max_probability, threshold, components,
                   largest_component_px, created_at)
    SELECT run_id, photo_id, prompt_index, 'masks/' || photo_id, repeat('0', 64), px, 12000000, px / 120000.0,
           0.9, 0.1, 0.95, 0.5, least(px, 3), px / 2, now()
    FROM tasks CROSS JOIN generate_series(0, cardinality(CAST(:prompts AS text[])) - 1) prompt_index
    CROSS JOIN LATERAL (
        SELECT abs(hashtext(photo_id::text || prompt_index) % 6)
               * abs(hashtext(photo_id::text) % 100000) AS px
    ) found
    WHERE run_id = :run AND state = 'succeeded'
"""


@dataclass(frozen=True)
class BigInspection:
    """The ids of what was made."""

    site_id: uuid.UUID
    inspection_id: uuid.UUID
    run_id: uuid.UUID


def make_big_inspection(session: Session, photos: int, walls: int) -> BigInspection:
    """Insert a site with `walls` walls and an inspection of `photos` photos with a run of two prompts.

    Of every hundred photos two are rejected (some of no wall), one never arrived, two are duplicates (one of
    a photo of its own wall; one of another wall's, which failed in every second case), one each failed, was
    cancelled, is queued, is running or came after the run; the rest succeeded.
    """
    made = BigInspection(uuid.uuid4(), uuid.uuid4(), uuid.uuid4())
    values = {
        "site": made.site_id,
        "inspection": made.inspection_id,
        "run": made.run_id,
        "model": uuid.uuid4(),
        "prompts": list(PROMPTS),
        "photos": photos,
        "walls": walls,
    }
    for script in (_PLACES, _PHOTOS, _RESULTS):
        for statement in script.split(";\n"):
            session.execute(text(statement), values)
    return made
