"""A page whose events take nothing out of bounds, and answer it with one sentence in place of a traceback."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import Block
from gradio.state_holder import SessionState

from explorer.endings import is_shortage
from explorer.errors import cut
from explorer.ui.bounds import Bound, check_size
from explorer.ui.components.arguments import mistake
from explorer.ui.components.callers import await_listener, bound_queue
from explorer.ui.components.errors import clear_errors
from explorer.ui.components.picture_input import PictureInput
from explorer.ui.components.uploads import take_upload
from explorer.ui.components.weights_input import WeightsInput

WRONG_KIND = "A value is of a kind that this input does not take."
NO_MEMORY = "The server is short of memory; try again in a minute."
NO_FILE = "The server couldn't read or write a file: {reason}. Try again later."


class CheckedBlocks(gr.Blocks):
    """Gradio's page, whose events may be called by anybody with anything.

    `endpoints` holds the bounds of those that programs are offered, by name.
    """

    endpoints: Mapping[str, Mapping[str, Bound]] = {}

    def queue(self, *arguments: Any, **options: Any) -> "CheckedBlocks":  # noqa: ANN401 - Gradio's
        """Make the queue of events."""
        super().queue(*arguments, **options)
        bound_queue(self._queue)
        return self

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
        with clear_errors():
            checked = self._check(block_fn, inputs)
        if block_fn.api_name in self.endpoints:  # Nothing is left to do; Gradio would remember every picture.
            return checked
        try:
            return await super().preprocess_data(block_fn, checked, state, explicit_call)
        except gr.Error as error:
            raise mistake(cut(str(error.message))) from error
        except Exception as error:  # Gradio's components raise almost anything.
            raise mistake(WRONG_KIND) from error

    async def process_api(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        *arguments: Any,  # noqa: ANN401 - Gradio's
        **options: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Run an event, and forget what Gradio remembers of a session that ends with it.

        Raises:
            gr.Error: what came with it is out of bounds, the disk is full or memory is short; it says so.
        """
        with clear_errors():
            check_size(getattr(options.get("event_data"), "_data", None))
        await await_listener(self._queue, options.get("event_id"))
        answer: dict[str, Any] = {}
        try:
            answer = await super().process_api(block_fn, inputs, *arguments, **options)
            return answer
        except (OSError, MemoryError, RuntimeError) as error:
            if is_shortage(error):
                raise mistake(NO_MEMORY) from error
            if isinstance(error, OSError):
                raise mistake(NO_FILE.format(reason=error.strerror or "unknown reason")) from error
            raise
        finally:
            # A program's call is all of its session.
            if block_fn.api_name in self.endpoints and not answer.get("is_generating"):
                self.forget(options.get("session_hash"))

    def forget(self, session: str | None) -> None:
        """Let go of what Gradio remembers of a session that has ended."""
        if session is not None:
            self.state_holder.session_data.pop(session, None)
            self.state_holder.time_last_used.pop(session, None)

    def _check(self, block_fn: BlockFunction, inputs: list[Any]) -> list[Any]:
        """Return the values, files without all that Gradio could fetch. Raises BoundError."""
        if (bounds := self.endpoints.get(str(block_fn.api_name))) is not None:
            for (name, bound), given in zip(bounds.items(), inputs, strict=False):
                bound.check(name, given)
            return inputs[: len(bounds)]
        return [_check_input(block, given) for block, given in zip(block_fn.inputs, inputs, strict=False)]


def _check_input(block: Block, given: object) -> object:
    if isinstance(block, PictureInput | WeightsInput):
        return take_upload(given)
    # One of its choices stands chosen from the beginning, and the page takes none away.
    lacks_choice = isinstance(block, gr.Radio | gr.Dropdown) and block.value is not None and given is None
    if lacks_choice or (isinstance(block, gr.CheckboxGroup) and not isinstance(given, list)):
        raise mistake(WRONG_KIND)
    check_size(given)
    return given
