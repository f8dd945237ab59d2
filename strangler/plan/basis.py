"""What all models of the plan share. Every description here is what an editor shows."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
OperationName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$")]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", description="module:attribute")]
Ratio = Annotated[float, Field(ge=0, le=1)]
Why = Annotated[str, Field(min_length=3, description="The reason, for the people who review this line later.")]


class Model(BaseModel):
    """Unknown fields refuse to load; a loaded plan never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True)
