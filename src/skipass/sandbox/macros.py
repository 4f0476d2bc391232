"""DuckDB macros that say in its SQL what Snowflake's semi-structured and few other functions do.

VARIANT, OBJECT and ARRAY are JSON values throughout. The names begin with `sf_`, so that no statement can mean one:
an unknown function is refused before DuckDB sees it.
Source: https://docs.snowflake.com/en/sql-reference/functions-semistructured.
"""

from __future__ import annotations

_JSON_TEXT = "to_json(x)->>'$'"
_QUOTED_KEY = """'$."' || CAST(k AS VARCHAR) || '"'"""
_ORDERABLE = "list_transform(sf_list(a), lambda x: {'n': TRY_CAST(x->>'$' AS DOUBLE), 't': x->>'$', 'v': x})"
_SORTED = f"list_transform(list_sort(list_filter({_ORDERABLE}, lambda x: x.t IS NOT NULL)), lambda x: x.v)"
_PICKED = """CAST('{' || array_to_string(list_transform(list_filter(json_keys(o), lambda k: %s),
    lambda k: to_json(k) || ':' || CAST(json_extract(o, '$."' || k || '"') AS VARCHAR)), ',') || '}' AS JSON)"""
_COLLAPSED = "regexp_replace(" * 7
_COLLAPSE = "".join(f", '{digit}+', '{digit}', 'g')" for digit in range(7))
_FROM = "CASE WHEN f < 0 THEN len(sf_list(a)) + f ELSE f END"
_UNTIL = "CASE WHEN t < 0 THEN len(sf_list(a)) + t ELSE t END"

MACROS = {
    "sf_offset(m)": """printf('%s%02d%02d', CASE WHEN m < 0 THEN '-' ELSE '+' END,
        CAST(abs(m) // 60 AS INTEGER), CAST(abs(m) % 60 AS INTEGER))""",
    "sf_zone(x)": "sf_offset(date_part('timezone', x) // 60)",
    "sf_ntz_text(x)": "strftime(x, '%Y-%m-%d %H:%M:%S.%g')",
    "sf_ltz_text(x)": "sf_ntz_text(x) || ' ' || sf_zone(x)",
    "sf_text(x)": f"""CASE typeof(x) WHEN 'JSON' THEN {_JSON_TEXT}
        WHEN 'TIMESTAMP' THEN sf_ntz_text(TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMP))
        WHEN 'TIMESTAMP WITH TIME ZONE' THEN sf_ltz_text(TRY_CAST(CAST(x AS VARCHAR) AS TIMESTAMPTZ))
        ELSE CAST(x AS VARCHAR) END""",
    "sf_variant(x)": """CASE WHEN x IS NULL THEN NULL WHEN typeof(x) = 'DOUBLE'
        THEN CAST(regexp_replace(CAST(to_json(x) AS VARCHAR), '[.]0$', '') AS JSON) ELSE to_json(x) END""",
    "sf_list(x)": "CASE WHEN x IS NULL THEN NULL ELSE TRY_CAST(to_json(x) AS JSON[]) END",
    "sf_type(x)": """CASE json_type(to_json(x)) WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'BIGINT' THEN 'INTEGER'
        WHEN 'HUGEINT' THEN 'INTEGER' WHEN 'DOUBLE' THEN 'DECIMAL' WHEN 'NULL' THEN 'NULL_VALUE'
        ELSE json_type(to_json(x)) END""",
    "sf_get(j, k)": f"""CASE WHEN json_type(to_json(j)) = 'ARRAY'
        THEN sf_list(j)[nullif(greatest(TRY_CAST(k AS BIGINT) + 1, 0), 0)]
        ELSE json_extract(to_json(j), {_QUOTED_KEY}) END""",
    "sf_get_path(j, k)": "json_extract(to_json(j), '$.' || k)",
    "sf_get_ignore_case(j, k)": """json_extract(j, '$."' || list_filter(json_keys(j),
        lambda x: upper(x) = upper(k))[1] || '"')""",
    "sf_pair(k, v)": "CASE WHEN v IS NULL OR k IS NULL THEN NULL ELSE to_json(k) || ':' || to_json(v) END",
    "sf_pair_null(k, v)": "to_json(k) || ':' || CASE WHEN v IS NULL THEN 'null' ELSE to_json(v) END",
    "sf_object(p)": "CAST('{' || array_to_string(list_filter(p, lambda x: x IS NOT NULL), ',') || '}' AS JSON)",
    "sf_agg_list(l)": "coalesce(to_json(l), CAST('[]' AS JSON))",
    "sf_array_size(a)": "CASE WHEN json_type(to_json(a)) = 'ARRAY' THEN json_array_length(to_json(a)) END",
    "sf_array_append(a, v)": "to_json(list_append(sf_list(a), sf_variant(v)))",
    "sf_array_prepend(a, v)": "to_json(list_prepend(sf_variant(v), sf_list(a)))",
    "sf_array_cat(a, b)": "to_json(list_concat(sf_list(a), sf_list(b)))",
    "sf_array_slice(a, f, t)": f"to_json(sf_list(a)[({_FROM}) + 1 : {_UNTIL}])",
    "sf_array_insert(a, i, v)": "to_json(list_concat(sf_list(a)[:i], [sf_variant(v)], sf_list(a)[i + 1:]))",
    "sf_array_remove_at(a, i)": "to_json(list_concat(sf_list(a)[:i], sf_list(a)[i + 2:]))",
    "sf_array_remove(a, v)": "to_json(list_filter(sf_list(a), lambda x: x <> sf_variant(v)))",
    "sf_array_compact(a)": "to_json(list_filter(sf_list(a), lambda x: (x->>'$') IS NOT NULL))",
    "sf_array_contains(v, a)": "list_contains(sf_list(a), sf_variant(v))",
    "sf_array_position(v, a)": "nullif(list_position(sf_list(a), sf_variant(v)), 0) - 1",
    "sf_array_distinct(a)": "to_json(list_filter(sf_list(a), lambda x, i: list_position(sf_list(a), x) = i))",
    "sf_array_reverse(a)": "to_json(list_reverse(sf_list(a)))",
    "sf_array_flatten(a)": "to_json(flatten(list_transform(sf_list(a), lambda x: sf_list(x))))",
    "sf_array_sort(a)": f"to_json({_SORTED})",
    "sf_array_min(a)": f"({_SORTED})[1]",
    "sf_array_max(a)": f"({_SORTED})[-1]",
    "sf_array_intersection(a, b)": "to_json(list_filter(sf_list(a), lambda x: list_contains(sf_list(b), x)))",
    "sf_array_except(a, b)": "to_json(list_filter(sf_list(a), lambda x: NOT list_contains(sf_list(b), x)))",
    "sf_arrays_overlap(a, b)": "list_has_any(sf_list(a), sf_list(b))",
    "sf_array_to_string(a, s)": "array_to_string(list_transform(sf_list(a), lambda x: coalesce(x->>'$', '')), s)",
    "sf_array_range(f, t, s)": "to_json(range(CAST(f AS BIGINT), CAST(t AS BIGINT), CAST(s AS BIGINT)))",
    "sf_to_array(x)": """CASE WHEN x IS NULL THEN NULL WHEN typeof(x) = 'JSON' AND json_type(to_json(x)) = 'ARRAY'
        THEN to_json(x) ELSE json_array(x) END""",
    "sf_object_keys(o)": "to_json(json_keys(o))",
    "sf_object_pick(o, l)": _PICKED % "list_contains(l, k)",
    "sf_object_delete(o, l)": _PICKED % "NOT list_contains(l, k)",
    "sf_object_insert(o, n, v)": """CASE WHEN v IS NULL THEN to_json(o)
        ELSE CAST(CASE WHEN len(json_keys(o)) = 0 THEN '{' ELSE left(CAST(o AS VARCHAR), -1) || ',' END
            || to_json(n) || ':' || to_json(v) || '}' AS JSON) END""",
    "sf_strip_null(x)": "CASE WHEN json_type(x) = 'NULL' THEN NULL ELSE x END",
    "sf_try_base64_text(x)": """CASE WHEN regexp_full_match(x,
        '([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?') THEN CAST(from_base64(x) AS VARCHAR) END""",
    "sf_width_bucket(x, f, t, n)": """CASE WHEN x < f THEN 0 WHEN x >= t THEN n + 1
        ELSE CAST(floor((x - f) * n / (t - f)) AS BIGINT) + 1 END""",
    # A blank before the offset is nothing to the account, and the name of a time zone to DuckDB.
    "sf_zoned(x)": r"""regexp_replace(regexp_replace(x, '\s+([+-]\d|[Zz]$)', '\1'), '([+-]\d\d)(\d\d)$', '\1:\2')""",
    "sf_own_offset(x)": r"""CASE WHEN regexp_matches(x, '[Zz]$') THEN '+00:00'
        ELSE regexp_extract(sf_zoned(x), ':\d\d[.0-9]*([+-]\d\d(:\d\d)?)$', 1) END""",
    "sf_offset_minutes(o)": """(CASE WHEN left(o, 1) = '-' THEN -1 ELSE 1 END)
        * (CAST(substr(o, 2, 2) AS INTEGER) * 60 + coalesce(TRY_CAST(substr(o, 5, 2) AS INTEGER), 0))""",
    "sf_tz_make(t, o)": "CASE WHEN t IS NULL THEN NULL ELSE {'t': t, 'o': CAST(o AS SMALLINT)} END",
    "sf_tz_ltz(x)": "sf_tz_make(x, date_part('timezone', x) // 60)",
    "sf_tz_in(x, z)": "sf_tz_make(x, date_diff('minute', timezone('UTC', x), timezone(z, x)))",
    "sf_tz_at(w, o)": "sf_tz_make(timezone('UTC', w - to_minutes(o)), o)",
    "sf_tz_wall(x)": "timezone('UTC', struct_extract(x, 't')) + to_minutes(struct_extract(x, 'o'))",
    "sf_tz_show(x)": "sf_ntz_text(sf_tz_wall(x)) || ' ' || sf_offset(struct_extract(x, 'o'))",
    "sf_tz_read(x, t)": """sf_tz_make(t, CASE WHEN sf_own_offset(x) = '' THEN date_part('timezone', t) // 60
        ELSE sf_offset_minutes(sf_own_offset(x)) END)""",
    "sf_tz_text(x)": "sf_tz_read(x, CAST(sf_zoned(x) AS TIMESTAMPTZ))",
    "sf_try_tz_text(x)": "sf_tz_read(x, TRY_CAST(sf_zoned(x) AS TIMESTAMPTZ))",
    "sf_changes(l)": """len(list_filter(range(2, len(list_filter(l, lambda y: y IS NOT NULL)) + 1),
        lambda i: list_filter(l, lambda y: y IS NOT NULL)[i] <> list_filter(l, lambda y: y IS NOT NULL)[i - 1]))""",
    "sf_letters(x)": "regexp_replace(upper(x), '[^A-Z]', '', 'g')",
    "sf_sounds(x)": f"""{_COLLAPSED}translate(left(x, 1) || regexp_replace(substr(x, 2), '[HW]', '', 'g'),
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '01230120022455012623010202'){_COLLAPSE}""",
    "sf_soundex(x)": """CASE WHEN x IS NULL THEN NULL WHEN sf_letters(x) = '' THEN '' ELSE left(sf_letters(x), 1)
        || left(rpad(replace(substr(sf_sounds(sf_letters(x)), 2), '0', ''), 3, '0'), 3) END""",
    "sf_url_part(u, p)": "nullif(regexp_extract(u, p, 1), '')",
    "sf_url_query(u)": r"sf_url_part(u, '^[^?#]*[?]([^#]*)')",
    "sf_url_pairs(q)": """sf_object(list_transform(string_split(q, '&'),
        lambda x: sf_pair_null(split_part(x, '=', 1), split_part(x, '=', 2))))""",
    "sf_url(u)": r"""json_object('fragment', sf_url_part(u, '#(.*)$'),
        'host', sf_url_part(u, '^[^:/?#]+://(?:[^@/?#]*@)?([^:/?#]*)'),
        'parameters', CASE WHEN sf_url_query(u) IS NULL THEN NULL ELSE sf_url_pairs(sf_url_query(u)) END,
        'path', sf_url_part(u, '^[^:/?#]+://[^/?#]*/([^?#]*)'), 'port', sf_url_part(u, '^[^:/?#]+://[^/?#]*:(\d+)'),
        'query', sf_url_query(u), 'scheme', sf_url_part(u, '^([A-Za-z][A-Za-z0-9+.-]*):'))""",
    "sf_parse_url(u)": r"""CASE WHEN u IS NULL THEN NULL
        WHEN regexp_matches(u, '^[A-Za-z][A-Za-z0-9+.-]*:') THEN sf_url(u) ELSE error('Malformed URL') END""",
    "sf_try_parse_url(u)": r"""CASE WHEN regexp_matches(u, '^[A-Za-z][A-Za-z0-9+.-]*:') THEN sf_url(u)
        ELSE json_object('error', 'scheme not specified') END""",
    "sf_bool(x)": "CASE WHEN TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE) IS NOT NULL "
    "THEN TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE) <> 0 ELSE CAST(x AS BOOLEAN) END",
}


def statements() -> list[str]:
    """Return the statements that make the macros, in an order in which each knows those it uses."""
    return [f"CREATE OR REPLACE MACRO {head} AS {body}" for head, body in MACROS.items()]
