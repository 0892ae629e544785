import datetime as dt

import pytest

from circuit_link.errors import UserFacingError
from circuit_runtime.project.project import load_files
from circuit_runtime.project.settings import parse_settings

PROJECT = '[project]\nname = "Leads"\n'


def refused(text):
    with pytest.raises(UserFacingError) as caught:
        parse_settings(text)
    return caught.value


def test_every_table_is_read():
    settings = parse_settings(
        PROJECT
        + """
        api_version = "65.0"
        namespace = "advls"
        [limits]
        profile = "apex"
        overrides = { queries = 7 }
        [callouts]
        allow = ["https://api.census.gov"]
        [libraries]
        allow = ["numpy"]
        [secrets]
        names = ["CENSUS_KEY"]
        [environments.staging]
        url = "https://staging.example.com"
        [run.marcus]
        kind = "event"
        file = "events/marcus.json"
        now = 2025-11-13T17:45:23Z
        [connectors.ghl.custom_fields]
        "Xq3" = "title"
        [calendar]
        time_zone = "America/New_York"
        fiscal_year_start_month = 7
        [debugger]
        engine = "settrace"
        [profiles.Agent.objects.Contact]
        edit = true
        fields = { email = "read" }
        """.replace("\n        ", "\n")
    )

    assert settings.project.namespace == "advls"
    assert (settings.limits.profile, settings.limits.overrides) == ("apex", {"queries": 7})
    assert settings.callouts.allow == ("https://api.census.gov",)
    assert settings.libraries.allow == ("numpy",)
    assert settings.secrets.names == ("CENSUS_KEY",)
    assert settings.environments["staging"].url == "https://staging.example.com"
    assert settings.run["marcus"].now == dt.datetime(2025, 11, 13, 17, 45, 23, tzinfo=dt.UTC)
    assert settings.connectors.ghl.custom_fields == {"Xq3": "title"}
    assert str(settings.zone) == "America/New_York"
    assert settings.debugger.engine == "settrace"
    assert settings.profiles["Agent"].objects["Contact"].fields == {"email": "read"}


def test_a_project_table_is_enough():
    settings = parse_settings(PROJECT)

    assert (settings.limits.profile, settings.calendar.time_zone) == ("circuit", "UTC")


@pytest.mark.parametrize(
    ("text", "line", "part", "hint"),
    [
        ("", 1, "needs the key 'project'", ""),
        ('[project]\nnam = "x"\n', 2, "'nam' in [project]", "'name'"),
        ("[project]\nname = 5\n", 2, "project.name is 5", ""),
        (PROJECT + "[limit]\n", 3, "'limit'", "'limits'"),
        (PROJECT + '[limits]\nprofile = "apexx"\n', 4, "'apexx'", "'apex'"),
        (PROJECT + "[limits.overrides]\nquerys = 3\n", 4, "'querys'", "'queries'"),
        (PROJECT + "[limits.overrides]\nqueries = -1\n", 4, "limits.overrides.queries is -1", ""),
        (PROJECT + '[callouts]\nallow = "https://a"\n', 4, "callouts.allow is 'https://a'", ""),
        (PROJECT + '[calendar]\ntime_zone = "Mars/Olympus"\n', 4, "'Mars/Olympus' is no time zone", "IANA"),
        (PROJECT + '[calendar]\ntime_zone = "../etc"\n', 4, "is no time zone", ""),
        (PROJECT + "[calendar]\nfiscal_year_start_month = 13\n", 4, "is 13", ""),
        (PROJECT + '[environments.a]\nurl = "http://a"\n[environments.b]\nurl = "b:1"\n', 6, "'b:1'", "https"),
        (
            PROJECT + '[run.a]\nkind = "exec"\nfile = "a"\n[run.b]\nkind = "evnt"\nfile = "b"\n',
            7,
            "'evnt'",
            "event",
        ),
        (PROJECT + '[run.a]\nkind = "exec"\n', 3, "needs the key 'file' in [run.a]", ""),
        (PROJECT + '[run.a]\nkind = "exec"\nfile = "a"\nnow = 2025-11-13T17:45:23\n', 6, "no zone", "Z"),
        (PROJECT + '[profiles.A.objects.Contact.fields]\nx = "wite"\n', 4, "'wite'", ""),
        ('[project]\nname = "x"\nnamespace = "Adv"\n', 3, "'Adv'", ""),
        ('[project]\nname = "x"\napi_version = "new"\n', 3, "'new'", ""),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(text, line, part, hint):
    error = refused(text)

    assert (error.code, error.path, error.line) == ("SETTINGS_INVALID", "circuit.toml", line)
    assert part in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "line"), [("[project\n", 1), (PROJECT + "x y\n", 3), (PROJECT + 'a = "', 3), (PROJECT + "a = [\n", 3)]
)
def test_a_file_that_is_not_toml_is_told_with_its_line(text, line):
    error = refused(text)

    assert (error.line, "not valid TOML" in error.message) == (line, True)


def test_a_key_within_a_long_text_is_no_key():
    error = refused('[project]\nname = """\n[calendar]\ntime_zone = 3\n"""\n[calendar]\ntime_zone = "?"\n')

    assert error.line == 7


@pytest.mark.parametrize(
    ("text", "line", "part", "hint"),
    [
        ('[connectors.ghl.custom_fields]\n"a" = "titel"\n', 4, "'titel' of Contact", "'title'"),
        ("[profiles.A.objects.Contacts]\nread = true\n", 3, "'Contacts'", "'Contact'"),
        ('[profiles.A.objects.Contact]\nfields = { emial = "read" }\n', 4, "'emial'", "'email'"),
    ],
)
def test_names_that_the_project_does_not_have_are_told(text, line, part, hint):
    with pytest.raises(UserFacingError) as caught:
        load_files({"circuit.toml": (PROJECT + text).encode()}, "/p")

    assert (caught.value.path, caught.value.line) == ("circuit.toml", line)
    assert part in caught.value.message
    assert hint in caught.value.hint
