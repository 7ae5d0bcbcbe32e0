"""The page as a person meets it: typed into, read, and waited for."""

import json
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote_plus

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

WAIT_SECONDS = 15.0

Value = TypeVar("Value")


class SearchPage:
    """The search page of one server in one browser."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver = driver
        self.url = url
        self._expected_complaints: list[str] = []

    def open(self, question: str = "") -> "SearchPage":
        """Loads the page, with a question in its address if one is given, until it shows something."""
        self.driver.get(f"{self.url}/" + (f"?q={quote_plus(question)}" if question else ""))
        if question:
            self.settled()
        else:
            self.until(lambda: self.all(".welcome"), "the welcome is shown")
        return self

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """What the matching elements say, read in one go: the page may change at any time."""
        found: list[str] = self.script(
            "return [...document.querySelectorAll(arguments[0])].map(node => node.innerText.trim())", selector
        )
        return found

    def text(self, selector: str) -> str:
        return "\n".join(self.texts(selector))

    @property
    def field(self) -> WebElement:
        return self.one("#q")

    def type(self, *keys: str) -> None:
        """Types into whatever has the focus."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def ask(self, question: str) -> None:
        """Types a whole question over the one before, and Enter, and waits for what comes back."""
        self.field.send_keys(Keys.CONTROL + "a" + Keys.NULL, question, Keys.ENTER)
        self.settled()

    def settled(self) -> None:
        """Returns when the last question is answered."""
        self.until(
            lambda: (
                self.one("#outcome").get_attribute("aria-busy") == "false"
                and (self.all(".result:not(.waiting)") or self.all(".panel") or self.text("#summary"))
            ),
            "the question is answered",
        )

    def until(self, holds: Callable[[], Value], what: str, seconds: float = WAIT_SECONDS) -> Value:
        """What `holds` gives as soon as that is true; fails otherwise and shows the page's text."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if value := holds():
                    return value
            except StaleElementReferenceException:
                pass  # the page was just drawn anew
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.text('body')}"
            time.sleep(0.02)

    def script(self, code: str, *arguments: Any) -> Any:
        return self.driver.execute_script(code, *arguments)

    def called(self, module: str, function: str, *arguments: Any) -> Any:
        """What a function of one of the page's own modules gives, called in the page."""
        code = (
            "const [module, name, given, done] = arguments;"
            "import(`/page/${module}`).then(found => done({value: found[name](...given)}),"
            "                               error => done({error: String(error)}))"
        )
        answer = self.driver.execute_async_script(code, module, function, arguments)
        assert "error" not in answer, answer
        return answer.get("value")

    @property
    def focused_id(self) -> str:
        return str(self.script("return document.activeElement.id || document.activeElement.tagName"))

    @property
    def address(self) -> str:
        """Query string of the page's address."""
        return str(self.script("return location.search"))

    def expect_complaints(self, *patterns: str) -> None:
        """The browser's console may hold lines like these: a test that breaks the network breaks it on purpose."""
        self._expected_complaints.extend(patterns)

    def complaints(self) -> list[str]:
        """Lines of the console that nobody expected, since the last call."""
        lines = [json.dumps(entry) for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]
        return [line for line in lines if not any(re.search(pattern, line) for pattern in self._expected_complaints)]

    def requested_origins(self) -> set[str]:
        """Where everything the page loaded came from."""
        code = "return performance.getEntriesByType('resource').map(entry => new URL(entry.name).origin)"
        return set(self.script(code))
