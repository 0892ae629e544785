import pytest

from circuit_link.errors import UserFacingError
from circuit_runtime.project.objects import load_schema, plural_of
from circuit_runtime.project.schema import FieldType

INVOICE = """
[fields.number]
type = "text"
length = 20
[fields.contact]
type = "lookup"
reference_to = "Contact"
"""
LINE = """
[fields.invoice]
type = "master_detail"
reference_to = "Invoice"
[fields.quantity]
type = "decimal"
precision = 10
scale = 2
"""


def schema_of(**texts):
    return load_schema({f"objects/{name}.toml": text for name, text in texts.items()})


def refused(**texts):
    with pytest.raises(UserFacingError) as caught:
        schema_of(**texts)
    return caught.value


def test_standard_objects_have_the_fields_of_the_interface():
    schema = load_schema({})

    contact = {"account", "salutation", "first_name", "last_name", "email", "phone", "mobile_phone", "title"} | {
        "department", "company", "website", "lead_source", "description", "birthdate", "mailing_street",
        "mailing_city", "mailing_state", "mailing_postal_code", "mailing_country", "do_not_contact", "tags",
        "ghl_id", "ghl_extra", "owner", "name", "id", "created_at", "created_by", "modified_at", "modified_by",
        "is_deleted",
    }  # fmt: skip
    assert contact <= set(schema.objects["Contact"].fields)
    assert set(schema.objects) == {"Account", "Case", "Contact", "Lead", "Opportunity", "Task", "User"}
    assert schema.objects["Task"].fields["who"].reference_to == ("Contact", "Lead")
    assert schema.objects["User"].is_setup


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Id", "id"),
        ("CreatedDate", "created_at"),
        ("CreatedById", "created_by"),
        ("IsDeleted", "is_deleted"),
        ("LastModifiedDate", "modified_at"),
        ("LASTMODIFIEDBYID", "modified_by"),
        ("LastName", "last_name"),
        ("AccountId", "account"),
        ("EMAIL", "email"),
        ("MailingPostalCode", "mailing_postal_code"),
    ],
)
def test_fields_resolve_in_any_case_and_as_salesforce_spells_them(spelling, name):
    field = load_schema({}).objects["Contact"].field(spelling)

    assert field is not None
    assert field.name == name


def test_a_project_adds_fields_to_standard_objects_and_objects_of_its_own():
    schema = schema_of(Contact='[fields.score]\ntype = "integer"\n', Invoice=INVOICE)

    assert schema.objects["Contact"].fields["score"].custom
    assert not schema.objects["Contact"].fields["email"].custom
    assert schema.objects["Invoice"].custom
    assert schema.objects["Invoice"].fields["name"].type is FieldType.TEXT
    assert schema.object("INVOICE") is schema.objects["Invoice"]


def test_key_prefixes_do_not_depend_on_the_other_objects():
    alone = schema_of(Invoice=INVOICE).objects["Invoice"].key_prefix
    names = {f"Area{number}": "" for number in range(10)}
    among_others = schema_of(Invoice=INVOICE, **names).objects["Invoice"].key_prefix

    assert alone == among_others
    assert len(alone) == 3


def test_two_objects_with_the_same_key_prefix_are_refused():
    error = refused(Invoice='key_prefix = "a0X"\n' + INVOICE, Order='label = "Order"\nkey_prefix = "a0X"\n')

    assert (error.path, error.line) == ("objects/Order.toml", 2)
    assert "Invoice" in error.message


def test_children_are_named_after_their_object_in_the_plural():
    schema = schema_of(Invoice=INVOICE, InvoiceLine=LINE)

    relation = schema.children("Invoice")["invoice_lines"]
    assert (relation.child, relation.field) == ("InvoiceLine", "invoice")
    assert plural_of("Opportunity") == "opportunities"
    assert plural_of("Box") == "boxes"


def test_a_second_relation_of_the_same_default_name_is_named_after_its_field():
    schema = schema_of(Invoice=INVOICE + '[fields.payer]\ntype = "lookup"\nreference_to = "Contact"\n')

    assert schema.children("Contact")["invoices"].field == "contact"
    assert schema.children("Contact")["invoices_by_payer"].field == "payer"


def test_details_go_with_their_master_and_required_lookups_hold_their_parent():
    required = '[fields.owner]\ntype = "lookup"\nreference_to = "User"\nrequired = true\n'
    schema = schema_of(Invoice=INVOICE + required, InvoiceLine=LINE)

    assert schema.objects["InvoiceLine"].fields["invoice"].on_delete == "cascade"
    assert schema.objects["InvoiceLine"].fields["invoice"].required
    assert schema.objects["Invoice"].fields["owner"].on_delete == "restrict"
    assert schema.objects["Invoice"].fields["contact"].on_delete == "clear"


@pytest.mark.parametrize(
    ("value", "expression"),
    [
        ('"Hot"', "'Hot'"),
        ('"In Progress"', "'In Progress'"),
        ("\"'Hot'\"", "'Hot'"),
        ('"title"', "title"),
        ('"TODAY()"', "TODAY()"),
        ('"title & last_name"', "title & last_name"),
        ('"TRUE"', "TRUE"),
        ("true", "TRUE"),
        ("12", "12"),
        ("1.5", "1.5"),
    ],
)
def test_a_field_update_sets_an_expression_or_a_plain_value(value, expression):
    text = f'[field_update.u]\nwhen = "TRUE"\nfield = "description"\nvalue = {value}\n'
    (update,) = schema_of(Contact=text).objects["Contact"].field_updates

    assert update.value == expression


def test_a_slip_in_a_field_name_is_no_text():
    text = '[field_update.u]\nwhen = "TRUE"\nfield = "description"\nvalue = "titel"\n'

    assert "titel" in refused(Contact=text).message


def test_equal_texts_have_equal_versions():
    assert schema_of(Invoice=INVOICE).version == schema_of(Invoice=INVOICE).version
    assert schema_of(Invoice=INVOICE).version != schema_of(Invoice=INVOICE + "\n# more").version


@pytest.mark.parametrize(
    ("text", "line", "part", "hint"),
    [
        ('labl = "x"\n', 1, "'labl'", "'label'"),
        (
            '[fields.a]\ntype = "text"\n[fields.b]\ntype = "text"\nlenght = 3\n',
            5,
            "'lenght' in [fields.b]",
            "length",
        ),
        ('[fields.a]\ntype = "text"\nlength = "long"\n', 3, "fields.a.length is 'long'", ""),
        ('[fields.a]\ntype = "text"\nlength = 0\n', 3, "length 0", ""),
        ("[fields.a]\nlength = 3\n", 1, "needs the key 'type' in [fields.a]", ""),
        ('[fields.a]\ntype = "txt"\n', 2, "'txt'", "'text'"),
        ('[fields.a]\ntype = "id"\n', 2, "'id'", ""),
        ('[fields.lastVisit]\ntype = "date"\n', 1, "'lastVisit'", "snake_case"),
        ('[fields.created_at]\ntype = "datetime"\n', 1, "kept by the runtime", ""),
        ('[fields.a]\ntype = "lookup"\n', 1, "does not say where", "reference_to"),
        ('[fields.a]\ntype = "lookup"\nreference_to = "Contct"\n', 3, "'Contct'", "'Contact'"),
        ('[fields.a]\ntype = "text"\nvalues = ["x"]\n', 3, "'values' has no meaning", "picklist"),
        ('[fields.a]\ntype = "picklist"\nrestricted = true\n', 1, "no values", ""),
        ('[fields.a]\ntype = "picklist"\nvalues = ["x", "X"]\n', 3, "'X'", ""),
        ('[fields.a]\ntype = "picklist"\nvalues = ["x"]\ndefault = "y"\n', 4, "bad value", ""),
        ('[fields.a]\ntype = "integer"\ndefault = "many"\n', 3, "'many'", ""),
        ('[fields.a]\ntype = "integer"\nminimum = 3\nmaximum = 2\n', 3, "above", ""),
        ('[fields.a]\ntype = "decimal"\nprecision = 3\nscale = 5\n', 3, "3 digits", ""),
        ('[fields.a]\ntype = "autonumber"\nformat = "INV"\n', 3, "'INV'", "{0000}"),
        ('[fields.a]\ntype = "text"\nformula = "contct.name"\n', 3, "'contct'", ""),
        ('[fields.a]\ntype = "text"\nformula = "LEN("\n', 3, "", ""),
        ('[fields.a]\ntype = "integer"\nformula = "1"\nrequired = true\n', 4, "'required'", ""),
        (
            '[fields.a]\ntype = "integer"\nformula = "b + 1"\n[fields.b]\ntype = "integer"\nformula = "a"\n',
            3,
            "own",
            "",
        ),
        ('[fields.a]\ntype = "integer"\nrollup = { child = "Lead", function = "COUNT" }\n', 3, "no child", ""),
        ('[validation.v]\nwhen = "nam = 1"\nmessage = "m"\n', 2, "'nam'", ""),
        ('[validation.v]\nwhen = "TRUE"\nmessage = "m"\nfield = "nam"\n', 4, "'nam'", "'name'"),
        ('[field_update.u]\nwhen = "TRUE"\nfield = "created_at"\nvalue = "NOW()"\n', 3, "created_at", ""),
        ('key_prefix = "12"\n', 1, "'12'", ""),
    ],
)
def test_what_does_not_hold_together_is_told_with_its_line(text, line, part, hint):
    error = refused(Invoice=text)

    assert (error.code, error.path, error.line) == ("OBJECT_INVALID", "objects/Invoice.toml", line)
    assert part in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("rollup", "line", "part"),
    [
        ('child = "InvoiceLine"\nfunction = "TOTAL"\n', 5, "'TOTAL'"),
        ('child = "InvoiceLine"\nfunction = "SUM"\nfield = "quantty"\n', 6, "'quantty'"),
        ('child = "InvoiceLine"\nfunction = "SUM"\nfield = "name"\n', 6, "which is text"),
        ('child = "InvoiceLine"\nfunction = "COUNT"\nwhere = "nme = 1"\n', 6, "'nme'"),
    ],
)
def test_a_rollup_that_cannot_be_made_is_told_with_its_line(rollup, line, part):
    error = refused(Invoice=f'[fields.total]\ntype = "decimal"\n[fields.total.rollup]\n{rollup}', InvoiceLine=LINE)

    assert (error.path, error.line) == ("objects/Invoice.toml", line)
    assert part in error.message


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ('[fields.email]\ntype = "integer"\n', 2, "standard field of type email"),
        ('key_prefix = "a01"\n', 1, "003"),
        ('[fields.a]\ntype = "lookup"\nreference_to = "Account"\nchild_name = "contacts"\n', 4, "two relations"),
    ],
)
def test_standard_objects_keep_what_they_are(text, line, part):
    error = refused(Contact=text)

    assert error.line == line
    assert part in error.message


def test_a_name_in_two_files_is_refused():
    with pytest.raises(UserFacingError, match="both describe"):
        load_schema({"objects/Invoice.toml": INVOICE, "objects/invoice.toml": INVOICE})


def test_an_object_that_is_not_toml_is_told_with_line_and_column():
    error = refused(Invoice='[fields.a]\ntype = text"\n')

    assert (error.line, error.column) == (2, 8)


FORMULA = (
    '[fields.n]\ntype = "integer"\n[fields.word]\ntype = "text"\n[fields.f]\ntype = "{type}"\nformula = "{text}"\n'
)


@pytest.mark.parametrize(
    ("kind", "text", "part"),
    [
        ("integer", "word * 2", "* takes a number, not a text"),
        ("integer", "n + word", "A text cannot be added to a number"),
        ("integer", "IF(n, 1, 2)", "IF takes true or false, not a number"),
        ("text", "IF(n > 1, 'a', 2)", "IF cannot mix a text with a number"),
        ("boolean", "n = word", "= cannot compare a number with a text"),
        ("integer", "'a' & word", "is a number, and its formula gives a text"),
        ("date", "n + 1", "is a date, and its formula gives a number"),
        ("integer", "1e200", "too large to compute with"),
        ("integer", "(" * 41 + "1" + ")" * 41, "More than 40 brackets"),
        ("integer", " + ".join(["n"] * 60), "Too many functions and operators"),
        ("boolean", "REGEX(word, '[a-z')", "'[a-z' is no pattern: unterminated character set"),
        ("boolean", "ISCHANGED(n)", "asks what a record was before"),
        ("integer", "LEN(f)", "needs its own value"),
    ],
)
def test_a_formula_that_cannot_be_computed_is_told_with_its_line(kind, text, part):
    error = refused(Thing=FORMULA.format(type=kind, text=text))

    assert part in error.message
    assert error.line == 7


def test_formulas_that_need_each_other_by_way_of_another_object_are_refused():
    there = (
        '[fields.other]\ntype = "lookup"\nreference_to = "Right"\n[fields.a]\ntype = "text"\nformula = "other.b"\n'
    )
    back = (
        '[fields.other]\ntype = "lookup"\nreference_to = "Left"\n[fields.b]\ntype = "text"\nformula = "other.a"\n'
    )

    assert "The formula of Left.a needs its own value." in refused(Left=there, Right=back).message


def test_formulas_that_double_each_other_are_refused():
    fields = [
        f'[fields.f{place}]\ntype = "text"\nformula = "f{place - 1} & f{place - 1}"\n' for place in range(1, 15)
    ]

    error = refused(Thing='[fields.f0]\ntype = "text"\n' + "".join(fields))

    assert "too large with the formulas that it reads" in error.message


def test_a_rule_that_is_neither_true_nor_false_is_refused():
    error = refused(Contact='[validation.odd]\nwhen = "title"\nmessage = "No"\n')

    assert "has to be true or false, and gives a text" in error.message
    assert error.line == 2


def test_a_rollup_over_fields_of_the_parent_is_refused():
    rollup = 'rollup = { child = "InvoiceLine", function = "COUNT", where = "invoice.number = NULL" }\n'
    total = f'[fields.total]\ntype = "integer"\n{rollup}'

    error = refused(Invoice=INVOICE + total, InvoiceLine=LINE)

    assert "a roll-up reads fields of InvoiceLine itself" in error.message


def test_a_formula_text_has_no_length_of_its_own():
    assert schema_of(Thing=FORMULA.format(type="text", text="word")).objects["Thing"].fields["f"].length is None
