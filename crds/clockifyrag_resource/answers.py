"""spec.answers: the language model that writes answers from what was found."""

from typing import Annotated

from pydantic import Field

from clockifyrag_resource.part import NEITHER, RESTARTS, DecimalText, Maybe, Part
from clockifyrag_resource.texts import HttpAddress, ModelName


class Answers(Part):
    """The language model; without it the service finds, but does not write."""

    model: ModelName = Field(description="Name of the model.", json_schema_extra=RESTARTS)
    url: Maybe[HttpAddress] = Field(
        default=None,
        description="Address of the server that runs it. Unset: the Ollama of the resource.",
        json_schema_extra=RESTARTS,
    )
    temperature: Annotated[float, DecimalText(0, 2)] = Field(
        default=0.2,
        description='How freely it chooses words, "0" to "2". Default: "0.2".',
        json_schema_extra=NEITHER,
    )
    max_tokens: int = Field(
        default=512, ge=1, le=32_768, description="Longest answer, in tokens.", json_schema_extra=NEITHER
    )
