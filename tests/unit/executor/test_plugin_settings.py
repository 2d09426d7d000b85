"""Defaults of settings, and what must not be shown."""

from services.executor.plugin_settings import HIDDEN, Mask, Masks, hidden, secrets_of, with_defaults
from shared.contracts.ui.fields import InfoField, NumberField, StringField, TableField

PASSWORD = StringField(type="string", id="secret", label="S", input_type="password")
TABLE = TableField.model_validate(
    {
        "type": "table",
        "id": "rows",
        "label": "R",
        "columns": [
            {"type": "string", "id": "user", "label": "U"},
            {"type": "string", "id": "pass", "label": "P", "input_type": "password"},
        ],
    }
)


def test_absent_settings_get_their_defaults_and_unknown_ones_stay() -> None:
    fields = [
        NumberField(type="number", id="limit", label="L", default=5),
        StringField(type="string", id="empty", label="E", default=""),
        StringField(type="string", id="none", label="N"),
        InfoField(type="info", id="note", label="I", default="not a value"),
    ]
    assert with_defaults({}, fields) == {"limit": 5, "empty": ""}
    assert with_defaults({"limit": None, "mine": 1}, fields) == {"limit": None, "empty": "", "mine": 1}


def test_passwords_are_found_in_fields_and_in_columns() -> None:
    settings = {"secret": "hunter2", "rows": [{"user": "ann", "pass": "geheim"}, "odd"]}
    assert secrets_of(settings, [PASSWORD, TABLE]) == ["hunter2", "geheim"]
    assert secrets_of({"secret": None, "rows": "odd"}, [PASSWORD, TABLE]) == []
    assert hidden(settings, [PASSWORD, TABLE]) == {
        "secret": HIDDEN,
        "rows": [{"user": "ann", "pass": HIDDEN}, "odd"],
    }
    assert hidden({"secret": ""}, [PASSWORD]) == {"secret": ""}


def test_a_secret_is_masked_as_it_is_and_as_urls_carry_it() -> None:
    mask = Mask(["pa/ss w", "pa/ss w and more", "ab"])
    assert mask.text("x pa/ss w and more, http://u:pa%2Fss%20w@h, ab") == "x ***, http://u:***@h, ab"
    assert mask.lines([{"message": "pa/ss w", "level": "info"}]) == [{"message": HIDDEN, "level": "info"}]


def test_a_runs_secret_params_are_masked_in_its_own_log_only() -> None:
    masks = Masks()
    masks.set_plugin("p", ["hunter2"])
    masks.add_run("p", "run", ("pin", "absent"), {"pin": 98765, "other": "shown"})
    assert masks.of("p", "run").text("98765 hunter2 shown") == "*** *** shown"
    assert masks.of("p", "another").text("98765 hunter2") == "98765 ***"
    masks.drop_run("run")
    assert masks.of("p", "run").text("98765") == "98765"
    masks.drop_plugin("p")
    assert masks.of("p", None).text("hunter2") == "hunter2"


def test_a_result_is_masked_where_it_is_a_secret_or_holds_a_long_one() -> None:
    mask = Mask(["hunter2!", "abc", "98765", 'quo"te'])
    result = {
        "url": "http://u:hunter2%21@host/hunter2!",
        "key": "abc",
        "word": "abcde and 98765",
        "pin": 98765,
        "deep": [{"x": 'a quo"te'}, True, None, 1.5],
    }
    assert mask.value(result) == {
        "url": "http://u:***@host/***",
        "key": HIDDEN,
        "word": "abcde and 98765",
        "pin": HIDDEN,
        "deep": [{"x": "a ***"}, True, None, 1.5],
    }
    other = {"nothing": ["of it"]}
    assert mask.value(other) is other
    assert Mask([]).value(result) is result
