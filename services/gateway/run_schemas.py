"""What goes in and out over HTTP about runs: the shapes that OpenAPI names."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.gateway.schemas import In, Success
from shared.contracts.base import RunId
from shared.contracts.runs import CancelAnswer, ListRuns, Run


class RunBody(In):
    action: Annotated[str, Field(min_length=1, max_length=255)]
    params: dict[str, JsonValue] | None = None
    form: str | None = Field(
        default=None, description="Id of the submitted form; its fields then validate the params."
    )


class WaitQuery(BaseModel):
    wait: Annotated[float, Field(ge=0, le=300, allow_inf_nan=False)] = Field(
        default=30.0, description="Seconds to wait for the result."
    )


class NoWaitQuery(BaseModel):
    wait: Annotated[float, Field(ge=0, le=300, allow_inf_nan=False)] = Field(
        default=0.0, description="Seconds to wait for the result."
    )


class RunAnswer(Success):
    run_id: RunId
    result: dict[str, JsonValue]


class RunAccepted(Success):
    run_id: RunId
    result: dict[str, JsonValue] = Field(examples=[{"status": "queued", "message": "The run goes on."}])


class RunFailure(BaseModel):
    success: Literal[False] = False
    error: str
    run_id: RunId


class RunList(Success):
    runs: list[Run]
    total: int
    exact: bool = Field(description="False where there are at least `total`.")


class RunsQuery(ListRuns):
    """Which runs, and how many of them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class LogQuery(BaseModel):
    after: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(
        default=0, description="`last_seq` of the page before."
    )
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000
    search: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="Only lines with this text, whatever its case."
    )


class SiblingList(BaseModel):
    siblings: list[Run]


class Cancelled(CancelAnswer):
    success: Literal[True] = True
