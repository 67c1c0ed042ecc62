"""`python -m api.seed`: make the bucket and register the shipped model. Run after the migrations."""

import logging
from pathlib import Path

from sqlalchemy import Engine, select

from api.bootstrap import make_services, read_settings
from wallscan.domain.lifecycle import ActivationKind, ModelState
from wallscan.models.files import check_files
from wallscan.models.manifest import bundle_digest
from wallscan.models.starter import starter_bundle
from wallscan.records import activations, models
from wallscan.records.model_tables import ModelVersion
from wallscan.records.session import transaction
from wallscan.storage import ObjectStore
from wallscan.storage.bundles import store_bundle


def seed(engine: Engine, store: ObjectStore, bundle: Path) -> bool:
    """Register `bundle` as ready; True where it became active.

    It does where no model is active, and where it is new here and an older version of it is active: an
    upgrade brings its model along, but a version chosen afterwards stays. Safe to repeat and to run twice
    at once: files are stored under their digest, and a version that is there already stays as it is.
    Raises BundleError where the bundle is not whole, StorageUnavailable, UnavailableError.
    """
    manifest = check_files(bundle)
    digest = bundle_digest(manifest)
    store_bundle(store, manifest, bundle)
    with transaction(engine) as session:
        activations.lock(session)  # before `active` is read: a version chosen meanwhile stays
        known = session.scalar(select(ModelVersion.state).where(ModelVersion.digest == digest))
        # No trainer is asked: the package's own tests let this bundle load and answer.
        model = models.register(session, manifest)
        is_new = known is not ModelState.READY
        active = session.scalar(select(ModelVersion.name).where(ModelVersion.active))
        if active is not None and not (is_new and active == manifest.name):
            return False
        # Not compared with what is active: a release was, before it was shipped.
        kind = ActivationKind.FIRST if active is None else ActivationKind.SHIPPED
        activations.activate(session, model.id, kind)
    return True


def main() -> None:
    """Seed the servers that the environment names."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    services = make_services(read_settings())
    services.store.ensure_bucket()
    became_active = seed(services.engine, services.store, starter_bundle())
    logging.getLogger(__name__).info("starter model %s", "active" if became_active else "registered")


if __name__ == "__main__":
    main()
