"""Users and API keys: who may come in, and what programs use in their stead."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.platform import Api, Platform

Open = Callable[..., Page]


def log_in(platform: Platform, name: str, password: str) -> int:
    body = {"username": name, "password": password}
    return httpx.post(f"{platform.url}/api/accounts/token/", json=body, timeout=30).status_code


def test_a_user_is_made_raised_locked_out_and_deleted(open_page: Open, platform: Platform, contexts) -> None:
    contexts.allow("409")
    page = open_page("/users")
    page.get_by_role("button", name="New user").click()
    dialog = page.get_by_role("dialog", name="New user")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_text("It needs a name.")).to_be_visible()
    dialog.get_by_label("User name").fill("admin")
    dialog.get_by_label("Password").first.fill("long-enough-1")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_text("admin", exact=False).last).to_be_visible()
    expect(dialog).to_be_visible()
    dialog.get_by_label("User name").fill("olga")
    dialog.get_by_role("radio", name="Viewer").check()
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_have_count(0)
    row = page.locator("[data-user=olga]")
    level = row.get_by_role("combobox", name="Level of olga")
    expect(level).to_have_value("Viewer")
    assert log_in(platform, "olga", "long-enough-1") == 200
    level.click()
    page.get_by_role("option", name="Administrator").click()
    expect(page.get_by_text("olga is changed.").first).to_be_visible()
    row.get_by_role("switch").click(force=True)
    expect(row.get_by_role("switch")).not_to_be_checked()
    assert log_in(platform, "olga", "long-enough-1") == 401
    row.get_by_role("button", name="More of olga").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


def test_one_s_own_level_and_access_cannot_be_taken_by_oneself(open_page: Open) -> None:
    row = open_page("/users").locator("[data-user=admin]")
    expect(row.get_by_text("You")).to_be_visible()
    expect(row.get_by_role("combobox")).to_be_disabled()
    expect(row.get_by_role("switch")).to_be_disabled()


def test_a_new_password_is_set_for_somebody(open_page: Open, platform: Platform, api: Api) -> None:
    body = {"username": "otto", "password": "the-first-one", "level": "viewer"}
    user = api.http.post("/api/accounts/users/", json=body).json()
    page = open_page("/users")
    page.get_by_role("button", name="More of otto").click()
    page.get_by_role("menuitem", name="Set a new password").click()
    dialog = page.get_by_role("dialog", name="New password for otto")
    dialog.get_by_label("Password").first.fill("the-second-one")
    dialog.get_by_role("button", name="Set password").click()
    expect(dialog).to_have_count(0)
    assert log_in(platform, "otto", "the-second-one") == 200
    assert log_in(platform, "otto", "the-first-one") == 401
    api.http.delete(f"/api/accounts/users/{user['id']}/")


def test_a_key_is_shown_once_works_and_ends_when_it_is_deleted(open_page: Open, platform: Platform) -> None:
    page = open_page("/users", user="user")
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New API key")
    dialog.get_by_label("Name").fill("backup script")
    dialog.get_by_role("button", name="Create").click()
    secret = dialog.get_by_test_id("secret").inner_text().strip()

    def status() -> int:
        headers = {"X-API-Key": secret}
        return httpx.get(f"{platform.url}/api/accounts/users/me/", headers=headers, timeout=30).status_code

    assert status() == 200
    page.keyboard.press("Escape")
    expect(dialog.get_by_test_id("secret")).to_have_text(secret)  # it is never shown again
    dialog.get_by_role("button", name="Done").click()
    row = page.locator("[data-key='backup script']")
    expect(row).to_be_visible()
    expect(page.get_by_text(secret)).to_have_count(0)
    row.get_by_role("button", name="Delete the key backup script").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    assert status() == 401


def test_one_changes_one_s_own_password_and_stays(
    open_page: Open, platform: Platform, api: Api, contexts
) -> None:
    contexts.allow("401")  # the tokens of before are refused at once
    body = {"username": "petra", "password": "the-first-one", "level": "user"}
    user = api.http.post("/api/accounts/users/", json=body).json()
    page = open_page("/users", user=None)
    page.get_by_label("User name").fill("petra")
    page.get_by_label("Password").first.fill("the-first-one")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Account of petra").click()
    page.get_by_role("menuitem", name="Change password").click()
    dialog = page.get_by_role("dialog", name="Change password")
    expect(dialog.get_by_role("button", name="Close")).to_be_visible()
    dialog.get_by_label("Current password").first.fill("the-first-one")
    dialog.get_by_label("New password").first.fill("the-second-one")
    dialog.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    expect(page.get_by_role("heading", name="API keys").first).to_be_visible()
    assert log_in(platform, "petra", "the-second-one") == 200
    api.http.delete(f"/api/accounts/users/{user['id']}/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dialogs_are_accessible(open_page: Open, axe: Callable[..., list[str]], scheme: str) -> None:
    page = open_page("/users", scheme=scheme)
    for button, title in (("New user", "New user"), ("New key", "New API key")):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog", name=title)).to_be_visible()
        assert axe(page, "[role=dialog]") == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
