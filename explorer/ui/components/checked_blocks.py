"""A page that answers values of the wrong kind with one sentence, without a traceback in the log."""

from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState

from explorer.endings import is_shortage
from explorer.ui.components.arguments import cut, mistake
from explorer.ui.components.picture_input import PictureInput
from explorer.ui.components.weights_input import WeightsInput

WRONG_KIND = "A value is of a kind that this input does not take."
NO_MEMORY = "The server is short of memory; try again in a minute."
NO_FILE = "The server couldn't read or write a file: {reason}. Try again later."


class CheckedBlocks(gr.Blocks):
    """Gradio's page, whose events may be called by anybody with anything."""

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """Turn what was sent into arguments.

        Raises:
            gr.Error: it cannot be; the message says what to do.
        """
        if len(inputs) < len(block_fn.inputs):
            raise mistake(f"Too few values: {len(block_fn.inputs)} are needed, not {len(inputs)}.")
        for block, given in zip(block_fn.inputs, inputs, strict=False):
            if isinstance(block, PictureInput | WeightsInput):
                block.refuse_strangers(given)
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except gr.Error as error:
            raise mistake(cut(str(error.message))) from error
        except Exception as error:  # Gradio's components raise almost anything.
            raise mistake(WRONG_KIND) from error

    async def process_api(self, *arguments: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - Gradio's
        """Run an event.

        Raises:
            gr.Error: the disk is full or memory is short; the message says so.
        """
        try:
            return await super().process_api(*arguments, **options)
        except (OSError, MemoryError, RuntimeError) as error:
            if is_shortage(error):
                raise mistake(NO_MEMORY) from error
            if isinstance(error, OSError):
                raise mistake(NO_FILE.format(reason=error.strerror or "unknown reason")) from error
            raise
