"""What a server of this protocol has to do, row by row, and the tests that prove each row.

The rows follow the specification's chapters: revisions, transport, methods, tools, a resource server, an authorization
server, and a proxy.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
MCP = "surfaces/mcp"
CONFORMANCE = f"{MCP}/test_conformance.py"
TRANSPORT, MODERN, LEGACY = (f"{MCP}/test_{name}.py" for name in ("transport", "modern", "legacy"))
STREAM, LISTS, MIRRORED = (f"{MCP}/test_{name}.py" for name in ("stream", "lists", "mirrored"))
PROGRAMS, CLIENTS, CONSENT = (f"{MCP}/test_{name}.py" for name in ("programs", "clients", "consent"))
WITHDRAWAL, PROGRESS, RESOURCES = (f"{MCP}/test_{name}.py" for name in ("withdrawal", "progress", "resources"))
EDGE = "surfaces/edge"

REVISIONS = {
    "2026-07-28 is served without a handshake": (f"{MODERN}::test_discover", f"{MODERN}::test_call_tool"),
    "2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05 are agreed to": (f"{LEGACY}::test_a_served_revision_is_agreed_to",),
    "both eras on one address": (f"{CLIENTS}::test_the_sdk_client_agrees_on_a_revision",),
    "batches in 2025-03-26 only": (
        f"{LEGACY}::test_a_batch_of_the_revision_that_has_them",
        f"{LEGACY}::test_later_revisions_have_no_batches",
        f"{LEGACY}::test_a_batch_is_bounded",
    ),
    "the clients in use get along": (
        f"{PROGRAMS}::test_a_client_with_a_key_lists_and_calls",
        f"{PROGRAMS}::test_a_client_signs_its_user_in_lists_and_calls",
        f"{PROGRAMS}::test_a_client_lists_and_calls_what_is_relayed",
        f"{PROGRAMS}::test_the_inspector_lists_and_calls",
    ),
}
BOTH_ERAS = {
    "an Origin that is not allowed is 403": (
        f"{TRANSPORT}::test_only_allowed_origins_are_answered",
        f"{EDGE}::test_an_origin_is_scheme_host_and_port",
    ),
    "a Host that is not allowed is 421": (
        f"{TRANSPORT}::test_only_allowed_hosts_are_answered",
        f"{EDGE}::test_no_host_outside_the_list_is_answered",
    ),
    "TLS beyond loopback": ("cli::test_serving_unsafely_is_wrong_usage",),
    "JSON in, JSON or events out": (f"{TRANSPORT}::test_media_types",),
    "bounded bodies": (
        f"{TRANSPORT}::test_a_body_over_the_limit_is_413",
        f"{WITHDRAWAL}::test_a_body_that_does_not_arrive_is_408",
    ),
    "JSON that cannot be read two ways, and bounded": (f"{TRANSPORT}::test_malformed_json_is_a_parse_error",),
    "an unknown slug is a JSON-RPC error": (f"{TRANSPORT}::test_an_unknown_slug_is_a_json_rpc_error",),
    "bad input is an error with our code and a hint, and costs no memory": (
        f"{MCP}/test_bad_input.py::test_bad_input_is_a_json_rpc_error",
        f"{MCP}/test_bad_input.py::test_bad_input_costs_no_memory",
    ),
    "any bytes get an answer": (f"{MCP}/test_fuzz.py::test_any_bytes", f"{MCP}/test_fuzz.py::test_any_message"),
}
STATELESS = {
    "one message a POST, no batch": (f"{MODERN}::test_a_batch_is_refused",),
    "no posted responses": (f"{TRANSPORT}::test_what_is_not_one_message_is_an_invalid_request",),
    "a notification is 202 without a body": (f"{MODERN}::test_a_notification_is_accepted_without_a_body",),
    "the version header equals the body's": (f"{MODERN}::test_headers_must_agree_with_the_body",),
    "Mcp-Method and Mcp-Name equal the body's": (
        f"{MODERN}::test_headers_must_agree_with_the_body",
        f"{MODERN}::test_an_encoded_name_is_decoded_before_it_is_compared",
        f"{MODERN}::test_a_repeated_routing_header_is_refused",
    ),
    "white space around a header is not part of it": (f"{MODERN}::test_white_space_around_a_header_is_not_part_of_it",),
    "Mcp-Param headers equal the body's arguments": (
        f"{MIRRORED}::test_headers_that_say_something_else",
        f"{MIRRORED}::test_what_the_official_client_sends_agrees",
        f"{MIRRORED}::test_a_call_is_held_to_its_headers",
    ),
    "an unknown version is -32022 with those served": (f"{MODERN}::test_an_unknown_revision_names_those_served",),
    "a missing _meta key is -32602": (f"{MODERN}::test_the_meta_a_request_must_carry",),
    "a capability that was not declared is not relied on": (
        f"{CONSENT}::test_nothing_is_asked_that_was_not_declared",
        f"{CONFORMANCE}::test_what_revision_2026_07_28_requires",
    ),
    "an unknown method is 404 with -32601": (
        f"{MODERN}::test_an_unknown_method_is_404",
        f"{LISTS}::test_what_is_not_declared_is_not_served",
    ),
    "GET and DELETE are 405": (f"{TRANSPORT}::test_only_post_is_served",),
    "no transport sessions": (f"{MODERN}::test_no_transport_session_is_kept",),
    "JSON, or a stream with the answer last": (
        f"{STREAM}::test_a_quick_answer_is_plain",
        f"{STREAM}::test_a_long_call_tells_how_long_it_has_run",
        f"{STREAM}::test_a_silent_call_is_kept_alive",
        f"{STREAM}::test_a_client_that_takes_no_stream_gets_none",
    ),
    "closing the stream cancels, upstream too": (
        f"{STREAM}::test_leaving_a_stream_cancels_a_modern_call",
        f"{WITHDRAWAL}::test_a_modern_client_that_leaves_cancels_its_call",
        f"{PROGRESS}::test_a_client_that_leaves_its_stream_ends_its_statement",
    ),
    "the body decides, never a header": (f"{MODERN}::test_headers_must_agree_with_the_body",),
}
HANDSHAKE = {
    "initialize answers the asked or the newest revision": (
        f"{LEGACY}::test_a_served_revision_is_agreed_to",
        f"{LEGACY}::test_another_revision_is_answered_with_the_newest",
    ),
    "an unsupported version header is 400, none is 2025-03-26": (
        f"{LEGACY}::test_an_unknown_version_header_is_400",
        f"{LEGACY}::test_a_request_needs_no_handshake",
    ),
    "GET is 405, no sessions": (f"{TRANSPORT}::test_only_post_is_served",),
    "ping": (f"{LEGACY}::test_ping",),
    "a lost connection cancels nothing": (
        f"{WITHDRAWAL}::test_only_a_modern_client_cancels_by_leaving",
        f"{STREAM}::test_leaving_a_stream_cancels_no_legacy_call",
    ),
    "notifications/cancelled cancels nothing": (f"{STREAM}::test_a_cancelled_notification_cancels_nothing",),
}
METHODS = {
    "initialize and its notification": (f"{LEGACY}::test_a_notification_is_accepted",),
    "server/discover": (f"{MODERN}::test_discover",),
    "tools/list, cached privately, in a fixed order": (
        f"{LISTS}::test_answers_are_the_callers_own",
        f"{LISTS}::test_the_catalogue_fits_one_page",
        f"{LISTS}::test_ten_thousand_tools_come_in_pages",
    ),
    "tools/call": (f"{CLIENTS}::test_the_sdk_client_calls_a_tool",),
    "tools/call may ask for input": (f"{CONSENT}::test_after_consent_the_same_call_works",),
    "resources": (f"{RESOURCES}::test_what_is_listed_can_be_read", f"{LISTS}::test_a_resource_where_none_can_be_read"),
    "prompts": (
        f"{LEGACY}::test_lists_of_what_is_not_there_are_empty",
        f"{LISTS}::test_a_prompt_that_is_not_there",
    ),
    "no subscriptions, logging, roots, sampling, tasks": (
        f"{LISTS}::test_what_is_not_declared_is_not_served",
        f"{LISTS}::test_older_clients_are_told_too",
    ),
    "resultType and serverInfo on every stateless result": (f"{MODERN}::test_list_tools", f"{MODERN}::test_call_tool"),
    "error codes": (
        f"{TRANSPORT}::test_what_is_not_one_message_is_an_invalid_request",
        f"{TRANSPORT}::test_params_are_an_object",
        f"{TRANSPORT}::test_an_unforeseen_failure_shows_nothing",
    ),
    "the suites": (
        f"{CONFORMANCE}::test_the_suite_of_2025",
        f"{CONFORMANCE}::test_what_revision_2025_11_25_requires",
        f"{CONFORMANCE}::test_what_revision_2026_07_28_requires",
        f"{CONFORMANCE}::test_only_the_tasks_extension_may_fail",
    ),
}
TOOLS = {
    "names of the allowed characters": (f"{LISTS}::test_every_tool_is_one_a_client_accepts",),
    "an input schema is an object": (f"{LISTS}::test_every_tool_is_one_a_client_accepts",),
    "a bad argument is a result, an unknown tool -32602": (
        f"{CLIENTS}::test_a_bad_argument_is_an_answer",
        f"{CLIENTS}::test_an_unknown_tool_is_a_protocol_error",
        f"{MODERN}::test_a_call_without_a_name_or_with_odd_arguments",
    ),
    "structured content conforms, and stands as text too": (
        "gateway::test_a_client_lists_and_calls_the_whole_catalogue",
        f"{CLIENTS}::test_a_refusal_is_an_answer",
    ),
    "no schema points elsewhere": (f"{LISTS}::test_every_tool_is_one_a_client_accepts",),
    "one odd tool spoils no list": (
        f"{LISTS}::test_a_tool_is_listed_as_it_came",
        "relay::test_one_odd_tool_spoils_no_other",
    ),
    "annotations decide nothing": (f"{LISTS}::test_hints_decide_nothing",),
    "progress for a token only, increasing, until the answer": (
        f"{STREAM}::test_a_long_call_tells_how_long_it_has_run",
        f"{STREAM}::test_what_the_work_reports",
        f"{STREAM}::test_a_token_that_cannot_be_one_is_ignored",
        f"{PROGRESS}::test_a_client_hears_that_its_statement_runs",
    ),
    "a reader that is slow costs a bounded number of messages": (
        f"{STREAM}::test_a_client_that_does_not_read_costs_a_bounded_number_of_messages",
    ),
}
RESOURCE_SERVER = {
    "metadata per slug, found by clients from the challenge": (
        "oauth::test_a_slug_says_who_gives_its_tokens",
        "oauth::test_another_address_has_no_metadata",
        "oauth::test_who_has_no_token_is_told_the_way",
        f"{PROGRAMS}::test_a_client_signs_its_user_in_lists_and_calls",
    ),
    "no credentials: 401 without an error": (
        "oauth::test_who_has_no_token_is_told_the_way",
        f"{TRANSPORT}::test_without_a_credential_the_challenge_names_no_error",
    ),
    "a bad token: invalid_token": (f"{TRANSPORT}::test_a_wrong_credential_is_told_so",),
    "a token ends under way": (
        f"{TRANSPORT}::test_a_credential_revoked_under_way_is_401",
        f"{STREAM}::test_a_caller_who_is_nobody_any_more_learns_it_on_the_stream",
    ),
    "too small a scope: 403 with all that is needed": ("oauth::test_a_scope_that_lacks_is_asked_for",),
    "a malformed authorization request is 400": (
        f"{TRANSPORT}::test_a_malformed_authorization_header_is_400",
        f"{TRANSPORT}::test_two_authorization_headers_are_400",
    ),
    "the token in its header only": (f"{TRANSPORT}::test_a_token_in_the_query_string_counts_for_nothing",),
    "tokens are opaque, so no signature is ever trusted": ("oauth::test_no_token_of_others_is_taken",),
    "a token is for one resource": ("oauth::test_a_token_is_good_at_its_own_address_alone",),
    "metadata is for pages of any site, the endpoint is not": (
        "oauth::test_pages_of_any_site_read_the_metadata_and_nothing_else",
    ),
}
AUTHORIZATION_SERVER = {
    "discovery": (
        "oauth::test_the_server_says_all_that_clients_look_for",
        "oauth::test_the_authorization_suite",
    ),
    "code, PKCE, resource, redirect addresses, state, frames": (
        "oauth::test_an_attack_before_consent_gets_nothing",
        "oauth::test_an_attack_after_consent_gets_no_token",
    ),
    "a code is good once": ("oauth::test_a_code_that_comes_twice_ends_what_it_was_traded_for",),
    "iss in every answer": (
        "oauth::test_a_client_signs_in_and_works_as_its_person",
        "oauth::test_a_mixed_up_answer_names_its_issuer",
    ),
    "client authentication": ("oauth::test_a_client_with_a_secret_shows_it",),
    "refresh tokens rotate, and a replay ends the family": (
        "oauth::test_a_refresh_token_is_traded_for_the_next_pair",
        "oauth::test_a_replay_ends_the_family",
    ),
    "revocation": ("oauth::test_a_client_gives_its_token_back",),
    "metadata documents as clients, fetched with care": (
        "oauth::test_a_document_is_a_client",
        "oauth::test_a_bad_document_is_no_client",
    ),
    "loopback on any port, listed schemes": (
        "oauth::test_loopback_matches_whatever_the_port",
        "oauth::test_an_editors_own_scheme_is_led_to",
    ),
}
PROXY = {
    "no token passes through, none crosses": (
        "relay::test_no_token_crosses_between_two_people",
        "oauth::test_nothing_of_it_is_in_the_record",
    ),
    "a consent is per user and client": ("oauth::test_a_consent_is_of_one_client_at_one_address",),
    "the upstream's client and scope are used as configured": (
        "accounts::test_a_provider_is_registered_as_pasted",
        "accounts::test_a_person_connects_through_the_provider",
        "accounts::test_the_answer_of_another_issuer_is_refused",
    ),
    "refusals within HTTP 200, and every other bad answer": (
        "relay::test_a_bad_answer_to_a_call_has_its_state_and_code",
        "relay::test_a_bad_listing_is_an_error_with_our_code",
    ),
    "the user is asked where the client can, told in text where not": (
        f"{CONSENT}::test_after_consent_the_same_call_works",
        f"{CONSENT}::test_an_older_client_gets_the_address_as_text",
    ),
    "having agreed is not having done it": (f"{CONSENT}::test_that_the_user_agreed_to_open_it_is_not_that_it_is_done",),
    "a state is sealed to its own call": (
        f"{CONSENT}::test_a_state_is_good_for_its_own_call_alone",
        f"{CONSENT}::test_a_state_tells_nothing",
    ),
    "our page is for the same user alone": ("accounts::test_a_link_opens_for_its_own_user_alone",),
}
CHAPTERS = {
    "revisions": REVISIONS,
    "transport": BOTH_ERAS,
    "stateless transport": STATELESS,
    "transport with a handshake": HANDSHAKE,
    "methods": METHODS,
    "tools": TOOLS,
    "resource server": RESOURCE_SERVER,
    "authorization server": AUTHORIZATION_SERVER,
    "proxy": PROXY,
}


@cache
def defined(place: str) -> frozenset[str]:
    """Return the names of the test functions of a file, or of all the files of a room."""
    where = TESTS / place
    trees = [ast.parse(file.read_text()) for file in ([where] if where.is_file() else where.glob("test_*.py"))]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for tree in trees for node in tree.body]
    return frozenset(node.name for node in nodes if isinstance(node, functions) and node.name.startswith("test_"))


@pytest.mark.parametrize(
    ("chapter", "row"), [(chapter, row) for chapter, rows in CHAPTERS.items() for row in rows], ids=str
)
def test_a_row_has_its_tests(chapter: str, row: str) -> None:
    """Every test that a row of the checklist names is there."""
    tests = CHAPTERS[chapter][row]
    assert tests
    for test in tests:
        place, _, name = test.partition("::")
        assert name in defined(place), test
