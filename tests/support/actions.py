"""What a visitor does, as functions of a Chromium page."""

from base64 import b64encode
from io import BytesIO

import PIL.Image
import skimage.data
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

DROP = """
([selector, base64, name, type]) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const target = document.querySelector(selector);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}
"""
PASTE = """
([base64, name, type]) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
}
"""


def photo(side: int = 300) -> bytes:
    """A real photo as a JPEG file."""
    return encode(PIL.Image.fromarray(skimage.data.chelsea()).resize((side, side)), "JPEG")


def encode(image: PIL.Image.Image, form: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def drop(
    page: Page, content: bytes, *, name: str = "photo.jpg", kind: str = "image/jpeg", on: str = "body"
) -> None:
    page.evaluate(DROP, [on, b64encode(content).decode(), name, kind])


def paste(page: Page, content: bytes) -> None:
    page.evaluate(PASTE, [b64encode(content).decode(), "pasted.jpg", "image/jpeg"])


def choose_file(page: Page, content: bytes, *, name: str = "photo.jpg", kind: str = "image/jpeg") -> None:
    page.set_input_files("#picture input[type=file]", {"name": name, "mimeType": kind, "buffer": content})


def wait_for_decoded(page: Page) -> None:
    """Wait for a picture that was laid down, not for the example that the page opens with."""
    status = "document.querySelector('#instant .status')"  # Not there before the page has been laid out.
    wait_for(page, f"{status} && !/^An example/.test({status}.textContent)")
    wait_for(page, "document.querySelectorAll('#instant .panel img:not([hidden])').length === 5")
    wait_for(page, "document.querySelector('#instant .stage').dataset.busy === 'no'")


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def wait_for_state(page: Page, state: str) -> None:
    """Wait until all four live panels are in this state and show a picture."""
    wait_for(
        page, f"document.querySelectorAll('#live .panel[data-state={state}] img:not([hidden])').length === 4"
    )


def wait_for(page: Page, condition: str) -> None:
    page.wait_for_function(f"() => {condition}")


def find_barriers(page: Page) -> list[str]:
    """Let axe-core look at the page as it stands: what breaks WCAG 2.1 A or AA, or its good practice."""
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": rules}).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]


def choose(page: Page, menu: str, item: str) -> None:
    """Open a menu of the toolbar, `share` or `teach`, and click what stands in it."""
    page.click(f"#{menu}")
    page.click(f"#{item}")


def choose_decoder(page: Page, method: str) -> None:
    """Open the menu of decoders and click the one of this method; the button then names it."""
    page.click("#decoder-menu")
    label = page.locator(f"#decoder label:has(input[value={method}])")
    words = label.inner_text().strip()
    label.click()
    page.locator("#decoder-menu b", has_text=words).wait_for()
    assert page.locator("#decoder").is_hidden()
