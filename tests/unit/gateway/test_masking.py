"""Passwords are never shown, and stay where their placeholder comes back."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.masking import MASK, masked, secret_params, unmasked
from shared.contracts.manifest import Manifest, merge
from shared.contracts.ui.fields import StringField, TableField

KEY = StringField(id="key", label="Key", type="string", input_type="password")
NAME = StringField(id="name", label="Name", type="string")
TABLE = TableField(id="accounts", label="Accounts", type="table", columns=[NAME, KEY])  # type: ignore[list-item]
FIELDS = [KEY, NAME, TABLE]
TEXT = st.text(st.characters(codec="utf-8"), max_size=5).filter(lambda text: text != MASK)
ROW = st.fixed_dictionaries({}, optional={"name": TEXT, "key": TEXT | st.none()})
SETTINGS = st.fixed_dictionaries(
    {}, optional={"key": TEXT | st.none(), "name": TEXT, "stray": TEXT, "accounts": st.lists(ROW, max_size=4)}
)


@given(SETTINGS)
def test_what_is_shown_and_sent_back_unchanged_keeps_everything(settings):
    assert unmasked(FIELDS, masked(FIELDS, settings), settings) == settings


@given(SETTINGS)
def test_no_password_is_shown(settings):
    shown = masked(FIELDS, settings)
    assert shown.get("key") in (None, "", MASK)
    assert all(row.get("key") in (None, "", MASK) for row in shown.get("accounts", []))
    assert shown.get("name") == settings.get("name")


def test_a_placeholder_for_nothing_is_nothing():
    assert unmasked(FIELDS, {"key": MASK, "name": "x"}, {}) == {"name": "x"}


def test_a_rows_password_follows_the_row_that_moved():
    stored = {"accounts": [{"name": "a", "key": "A"}, {"name": "b", "key": "B"}, {"name": "c", "key": "C"}]}
    sent = {"accounts": [{"name": "c", "key": MASK}, {"name": "b", "key": "new"}, {"name": "x", "key": MASK}]}
    found = unmasked(FIELDS, sent, stored)["accounts"]
    assert [row.get("key") for row in found[:2]] == ["C", "new"]


def test_secret_params_are_those_of_the_actions_forms_and_of_the_settings():
    form = {
        "type": "form",
        "fields": [
            {"id": "pin", "label": "P", "type": "string", "input_type": "password"},
            {"id": "open", "label": "O", "type": "string"},
            TABLE.document(),
        ],
        "submit_action": "save",
    }
    modal = {"type": "modal", "id": "m", "components": [{"type": "card", "components": [form]}]}
    manifest = Manifest.model_validate(
        {
            "key": "p",
            "folder": "p",
            "fields": [{"id": "token", "label": "T", "type": "string", "input_type": "password"}],
            "actions": [{"id": "go", "label": "Go", "fields": [{"id": "otp", "input_type": "password"}, 5]}],
            "pages": {"main": {"components": [modal]}},
        }
    )
    view = merge(manifest, None)
    assert secret_params(view, "save") == ("accounts", "pin", "token")
    assert secret_params(view, "go") == ("otp", "token")
    assert secret_params(view, "other") == ("token",)
