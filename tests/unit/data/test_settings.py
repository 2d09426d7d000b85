"""Settings of the data service."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.data.settings import Settings

HERE = "mongodb://127.0.0.1:27017/plugarr?replicaSet=rs0"


def test_credentials_come_from_the_secrets_folder_where_the_url_has_none(tmp_path: Path) -> None:
    (tmp_path / "mongo-data").write_text("p@ss/word\n")
    settings = Settings(mongo_url=HERE, secrets_dir=tmp_path)
    assert settings.mongo_uri() == HERE.replace("//", "//data:p%40ss%2Fword@")
    own = HERE.replace("//", "//me:mine@")
    assert Settings(mongo_url=own, secrets_dir=tmp_path).mongo_uri() == own


def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="PLUGARR_MONGO_URL"):
        Settings(secrets_dir=tmp_path).mongo_uri()
    with pytest.raises(SystemExit, match="mongo-data"):
        Settings(mongo_url=HERE, secrets_dir=tmp_path).mongo_uri()


def test_the_administrators_name_and_password_go_together() -> None:
    with pytest.raises(ValidationError, match="go together"):
        Settings.model_validate({"admin_user": "x"})
