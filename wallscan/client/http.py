"""The API, typed: one method a route, wire models in and out."""

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from pydantic import ValidationError

from wallscan.client.errors import ApiError, UnreachableError
from wallscan.client.transport import Transport
from wallscan.domain.codes import Code
from wallscan.domain.lifecycle import COMPARISON_ENDED, RUN_ENDED, TRAINING_ENDED, ModelState
from wallscan.domain.looks import DEFAULT_LOOK, Look
from wallscan.wire.common import Body, Page
from wallscan.wire.models import (
    ActivationOrder,
    Benchmark,
    BenchmarkOrder,
    Model,
    ModelDetail,
    ModelUpload,
    NewModel,
    RollbackOrder,
)
from wallscan.wire.places import Inspection, NewInspection, NewSite, Site, Wall
from wallscan.wire.report import Report
from wallscan.wire.runs import NewRun, Run
from wallscan.wire.scale import Scale
from wallscan.wire.trainings import (
    Dataset,
    DatasetUpload,
    NewDataset,
    NewTraining,
    Training,
    TrainingDetail,
)
from wallscan.wire.uploads import Manifest, UploadOutcomes

B = TypeVar("B", bound=Body)
_PAGE = 1000
_WAIT_S = 20
_MODEL_PAUSE_S = 0.5


class Client:
    """One server and one key. Every method may raise ApiError, or UnreachableError `api_unreachable`."""

    def __init__(self, base_url: str, api_key: str) -> None:
        """Raises InputError `request_invalid` where `base_url` cannot be an address."""
        self.base_url = base_url.rstrip("/")
        self._transport = Transport(self.base_url, api_key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def site(self, name: str) -> Site | None:
        """The site of this name, if there is one."""
        found = self._get("/v1/sites", Page[Site], {"name": name})
        return found.items[0] if found.items else None

    def make_site(self, name: str) -> Site:
        """The site of this name, made where there is none."""
        try:
            return self.site(name) or self._post("/v1/sites", Site, NewSite(name=name))
        except ApiError as error:
            found = self.site(name) if error.code == Code.NAME_TAKEN else None  # made a moment ago
            if found is None:
                raise
            return found

    def walls(self, site_id: UUID) -> Iterator[Wall]:
        """All walls of a site."""
        return self._pages(f"/v1/sites/{site_id}/walls", Wall)

    def inspections(self, site_id: UUID) -> Iterator[Inspection]:
        """All inspections of a site."""
        return self._pages(f"/v1/sites/{site_id}/inspections", Inspection)

    def open_inspection(self, site_id: UUID, name: str | None = None) -> Inspection:
        """A new inspection; the server names it by its date where `name` is None."""
        return self._post(f"/v1/sites/{site_id}/inspections", Inspection, NewInspection(name=name))

    def announce(self, inspection_id: UUID, manifest: Manifest) -> UploadOutcomes:
        """Announce files: one outcome a file, in the order of the manifest."""
        return self._post(f"/v1/inspections/{inspection_id}/uploads", UploadOutcomes, manifest)

    def submit(
        self,
        inspection_id: UUID,
        prompts: Sequence[str],
        model: str | None = None,
        postprocess: Mapping[str, Any] | None = None,
        *,
        look: Look = DEFAULT_LOOK,
        scale: Scale | None = None,
    ) -> Run:
        """Order a run over all stored photos of an inspection."""
        order = NewRun(
            prompts=list(prompts), model=model, postprocess=dict(postprocess or {}), look=look, scale=scale
        )
        return self._post(f"/v1/inspections/{inspection_id}/runs", Run, order)

    def rerun(self, run: Run, postprocess: Mapping[str, Any]) -> Run:
        """Order that the probability maps of a run are measured again, with all else as it was."""
        order = NewRun(
            prompts=run.prompts,
            postprocess=dict(postprocess),
            from_run=run.id,
            look=run.look,
            scale=run.scale,
        )
        return self._post(f"/v1/inspections/{run.inspection_id}/runs", Run, order)

    def run(self, run_id: UUID, wait_s: int = 0) -> Run:
        """A run's state, at the latest after `wait_s` seconds, earlier where something changed."""
        return self._get(f"/v1/runs/{run_id}", Run, {"wait": wait_s} if wait_s else {}, wait_s=wait_s)

    def watch(self, run_id: UUID) -> Iterator[Run]:
        """The run's state at once, then at every change, up to and with its end."""
        run = self.run(run_id)
        yield run
        while run.state not in RUN_ENDED:
            run = self.run(run_id, wait_s=_WAIT_S)
            yield run

    def cancel(self, run_id: UUID) -> Run:
        """Ask a run to stop. Photos that are done keep their results."""
        return self._post(f"/v1/runs/{run_id}/cancel", Run)

    def report(self, of: str, id_: UUID, *, photos: bool = True, **choice: UUID | None) -> Report:
        """The report of `inspections`, `sites` or `walls`.

        `run_id` and `inspection_id` in `choice` pick another than the active run of the newest inspection.
        """
        params = {name: str(value) for name, value in choice.items() if value is not None}
        params["photos"] = "true" if photos else "false"
        return self._get(f"/v1/{of}/{id_}/report", Report, params, wait_s=60)

    def mask(self, photo_id: UUID, prompt: str, run_id: UUID) -> bytes:
        """A mask as PNG: 0/255, one channel, the upright photo's own size."""
        params = {"prompt": prompt, "run_id": str(run_id)}
        return self._transport.get(f"/v1/photos/{photo_id}/mask", params).content

    def overlay(self, photo_id: UUID, prompts: Sequence[str], run_id: UUID) -> bytes:
        """The photo as JPEG with the findings of all prompts drawn in."""
        params = {"prompt": list(prompts), "run_id": str(run_id)}
        return self._transport.get(f"/v1/photos/{photo_id}/overlay", params, wait_s=30).content

    def models(self) -> Iterator[Model]:
        """All model versions."""
        return self._pages("/v1/models", Model)

    def announce_model(self, manifest: Mapping[str, Any]) -> ModelUpload:
        """Announce a bundle: where to PUT the files that storage does not have."""
        return self._post("/v1/models", ModelUpload, NewModel(manifest=dict(manifest)))

    def checked_model(self, model_id: UUID, timeout_s: float = 600.0) -> Model:
        """Have a bundle checked; the model once it is ready or rejected, or as it is after `timeout_s`."""
        model = self._post(f"/v1/models/{model_id}/check", Model)
        deadline = time.monotonic() + timeout_s
        while model.state is ModelState.CHECKING and time.monotonic() < deadline:
            time.sleep(_MODEL_PAUSE_S)
            model = self.model(model_id)
        return model

    def model(self, model_id: UUID) -> ModelDetail:
        """One version, with its latest comparison and each time it began to serve."""
        return self._get(f"/v1/models/{model_id}", ModelDetail)

    def activate_model(self, model_id: UUID, order: ActivationOrder | None = None) -> ModelDetail:
        """Ask for this version to serve the runs that name none: it does, or is compared first."""
        return self._post(f"/v1/models/{model_id}/activate", ModelDetail, order)

    def compared_model(self, model_id: UUID) -> ModelDetail:
        """The version once its latest comparison has ended."""
        model = self.model(model_id)
        while model.comparison is not None and model.comparison.state not in COMPARISON_ENDED:
            time.sleep(_MODEL_PAUSE_S)
            model = self.model(model_id)
        return model

    def roll_back_model(self, order: RollbackOrder) -> ModelDetail:
        """Let the version serve again that served before; that version."""
        return self._post("/v1/models/rollback", ModelDetail, order)

    def benchmark(self) -> Benchmark:
        """What versions are compared on."""
        return self._get("/v1/models/benchmark", Benchmark)

    def set_benchmark(self, dataset_id: UUID | None) -> Benchmark:
        """Compare versions on this data set from now on, on rendered walls where it is None."""
        return self._post("/v1/models/benchmark", Benchmark, BenchmarkOrder(dataset_id=dataset_id))

    def datasets(self) -> Iterator[Dataset]:
        """All data sets."""
        return self._pages("/v1/datasets", Dataset)

    def announce_dataset(self, new: NewDataset) -> DatasetUpload:
        """Announce a zip file: where to PUT it, unless storage has it."""
        return self._post("/v1/datasets", DatasetUpload, new)

    def complete_dataset(self, dataset_id: UUID) -> Dataset:
        """Say that a data set's bytes are in storage."""
        return self._post(f"/v1/datasets/{dataset_id}/complete", Dataset)

    def order_training(self, new: NewTraining) -> Training:
        """Order a training."""
        return self._post("/v1/trainings", Training, new)

    def trainings(self) -> Iterator[Training]:
        """All trainings."""
        return self._pages("/v1/trainings", Training)

    def training(self, training_id: UUID, wait_s: int = 0) -> TrainingDetail:
        """A training's state, at the latest after `wait_s` seconds, earlier where something changed."""
        params = {"wait": wait_s} if wait_s else {}
        return self._get(f"/v1/trainings/{training_id}", TrainingDetail, params, wait_s=wait_s)

    def watch_training(self, training_id: UUID) -> Iterator[TrainingDetail]:
        """A training's state at once, then at every change, up to and with its end."""
        training = self.training(training_id)
        yield training
        while training.state not in TRAINING_ENDED:
            training = self.training(training_id, wait_s=_WAIT_S)
            yield training

    def cancel_training(self, training_id: UUID) -> TrainingDetail:
        """Ask a training to stop; its best epoch is published."""
        return self._post(f"/v1/trainings/{training_id}/cancel", TrainingDetail)

    def _get(
        self, path: str, answer: type[B], params: Mapping[str, Any] | None = None, wait_s: float = 0.0
    ) -> B:
        return self._read(answer, self._transport.get(path, params, wait_s=wait_s).content)

    def _post(self, path: str, answer: type[B], body: Body | None = None) -> B:
        sent = None if body is None else body.model_dump(mode="json")
        return self._read(answer, self._transport.post(path, sent).content)

    def _read(self, answer: type[B], content: bytes) -> B:
        try:
            return answer.model_validate_json(content, extra="ignore")  # a newer server may tell more
        except ValidationError as error:
            detail = f"{self.base_url} answers, but not as a wallscan API that this version knows"
            raise UnreachableError(Code.API_UNREACHABLE, detail) from error

    def _pages(self, path: str, item: type[B]) -> Iterator[B]:
        kind: type[Page[B]] = Page[item]  # type: ignore[valid-type]
        cursor: dict[str, str] = {}
        while True:
            page = self._get(path, kind, {"limit": _PAGE, **cursor})
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = {"cursor": page.next_cursor}
