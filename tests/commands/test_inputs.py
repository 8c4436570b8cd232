"""What commands take in: a folder name for every picture."""

from explorer.commands.inputs import name_folders


def test_pictures_of_one_name_get_folders_of_their_own() -> None:
    assert name_folders(["cat", "cat", "Cat", "report.json"]) == ["cat", "cat-2", "Cat-3", "report.json-2"]
