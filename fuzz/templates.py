"""Snowflake's own constructs, with slots for what they take, as data.

`<t>` is a table, `<n>` one in a string, `<w>` one that is changed, `<q>` a query, `<e>` a value, `<c>` a condition.
Source: https://docs.snowflake.com/en/sql-reference/constructs and https://docs.snowflake.com/en/sql-reference/sql-dml
"""

from __future__ import annotations

QUERIES = (
    "SELECT <e> FROM <t>", "SELECT * FROM <t> a, <t> b", "SELECT * FROM (<t>)",
    "SELECT * FROM ((<t>) JOIN <t> ON TRUE)",
    "SELECT * FROM <t> a ASOF JOIN <t> b MATCH_CONDITION (a.ts >= b.ts) ON a.id = b.id",
    "SELECT * FROM <t> PIVOT (SUM(amount) FOR name IN (ANY ORDER BY name))",
    "SELECT * FROM <t> PIVOT (SUM(amount) FOR name IN (<q>)) AS p",
    "SELECT * FROM <t> PIVOT (MAX(amount) FOR name IN ('a', 'b') DEFAULT ON NULL (0)) p",
    "SELECT * FROM <t> UNPIVOT (v FOR k IN (id, amount))",
    "SELECT * FROM <t> MATCH_RECOGNIZE (PARTITION BY name ORDER BY id MEASURES FIRST(id) AS f, MATCH_NUMBER() AS n "
    "ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (up+ down*) "
    "DEFINE up AS amount > LAG(amount), down AS amount < 1) AS m",
    "SELECT * FROM <t> AT (OFFSET => -60)", "SELECT * FROM <t> BEFORE (STATEMENT => '8e5d0ca9-005e-44e6-b858')",
    "SELECT * FROM <t> CHANGES (INFORMATION => DEFAULT) AT (TIMESTAMP => '2024-01-01'::TIMESTAMP_LTZ)",
    "SELECT * FROM <t> SAMPLE BERNOULLI (10) REPEATABLE (1)", "SELECT * FROM <t> TABLESAMPLE SYSTEM (3) SEED (82)",
    "SELECT name, COUNT(*) FROM <t> GROUP BY ALL", "SELECT 1 FROM <t> GROUP BY CUBE (id, name) ORDER BY ALL",
    "SELECT 1 FROM <t> GROUP BY GROUPING SETS ((id), (name)) HAVING <c>",
    "SELECT f.value FROM <t> t, LATERAL FLATTEN(INPUT => t.v, OUTER => TRUE) f",
    "SELECT f.value FROM <t> t, TABLE(FLATTEN(INPUT => PARSE_JSON(t.v), PATH => 'a', MODE => 'ARRAY')) f",
    "SELECT * FROM TABLE(FLATTEN(INPUT => <e>))", "SELECT * FROM TABLE(GENERATOR(ROWCOUNT => 3)), <t>",
    "SELECT * FROM TABLE(SPLIT_TO_TABLE('a b', ' ')) s JOIN <t> ON <c>",
    "SELECT * FROM <t> o, LATERAL (SELECT * FROM <t> i WHERE i.id = o.id) l",
    "SELECT * FROM <t> o LEFT JOIN LATERAL (<q>) l ON TRUE", "SELECT * FROM <t> o NATURAL FULL OUTER JOIN <t>",
    "SELECT * FROM <t> JOIN <t> USING (id, name)", "SELECT * FROM <t> CROSS JOIN (<q>) q",
    "SELECT * FROM (VALUES (1, <e>), (2, 3)) AS v (a, b) JOIN <t> ON <c>", "SELECT * FROM VALUES (1), (2) v (a), <t>",
    "SELECT * EXCLUDE (id) RENAME (name AS n) FROM <t>", "SELECT * REPLACE (<e> AS name) FROM <t>",
    "SELECT t.* ILIKE '%a%' FROM <t> t", "SELECT {'a': <e>, 'b': [<e>, 2]} AS o FROM <t>", "SELECT {*} FROM <t>",
    "SELECT v:a.b[0]::NUMBER(10, 2) AS x, v['k']:z FROM <t>", "SELECT $1, t.$2 FROM <t> t",
    "SELECT FILTER(v, x -> x > <e>) FROM <t>",
    "SELECT TRANSFORM(v, (x INT) -> x + 1), REDUCE(v, 0, (s, x) -> s + x) FROM <t>",
    "SELECT id FROM <t> START WITH <c> CONNECT BY PRIOR id = amount AND LEVEL < 3",
    "SELECT SYS_CONNECT_BY_PATH(name, '/'), CONNECT_BY_ROOT id FROM <t> CONNECT BY id = PRIOR amount",
    "WITH RECURSIVE r AS (SELECT id FROM <t> UNION ALL SELECT a.id FROM <t> a JOIN r ON r.id = a.id) SELECT * FROM r",
    "WITH a AS (<q>), b (x) AS (SELECT <e> FROM a) SELECT * FROM b JOIN a ON <c>", "(<q>) UNION BY NAME (<q>)",
    "WITH a AS (WITH b AS (<q>) SELECT * FROM b) SELECT * FROM a, <t>", "(<q>) MINUS SELECT 1 FROM <t>",
    "SELECT TOP 5 DISTINCT <e> FROM <t> ORDER BY <e> DESC NULLS LAST", "SELECT 1 FROM <t> LIMIT 5 OFFSET 2",
    "SELECT 1 FROM <t> ORDER BY 1 OFFSET 2 ROWS FETCH NEXT 5 ROWS ONLY",
    "SELECT 1 FROM <t> QUALIFY RANK() OVER (ORDER BY id) = <e>",
    "SELECT SUM(id) OVER (PARTITION BY <e> ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM <t>",
    "SELECT LAG(id, 1, 0) IGNORE NULLS OVER (ORDER BY <e>) FROM <t>", "SELECT MAX_BY(id, <e>) FROM <t>",
    "SELECT LISTAGG(DISTINCT name, ',') WITHIN GROUP (ORDER BY <e>) FROM <t>",
    "SELECT a.id FROM <t> a WHERE <c> AND <c>",
    "SELECT * FROM IDENTIFIER('<n>')", "SELECT * FROM TABLE('<n>')", "SELECT * FROM IDENTIFIER($$<n>$$) i WHERE <c>",
)  # fmt: skip
# These are whole statements, and stand in no bracket.
CHAINS = (
    "EXPLAIN USING TEXT <q>", "EXPLAIN <q>", "<q> ->> SELECT * FROM $1", "SELECT 1 ->> SELECT <e> FROM <t>",
    "<q> ->> SELECT * FROM $1 ->> SELECT * FROM $2, <t>", "<q> ->> WITH a AS (SELECT * FROM $1) SELECT * FROM a, <t>",
)  # fmt: skip
VALUES = (
    "id", "amount + 1", "'x'", "(<q>)", "COALESCE((<q>), 1)", "IFF(<c>, 1, 2)",
    "CASE WHEN <c> THEN (<q>) ELSE <e> END",
    "ARRAY_SIZE(ARRAY_CONSTRUCT(<e>, <e>))", "TRY_CAST(<e> AS NUMBER(5, 1))", "CAST((<q>) AS VARCHAR)", "(<q>)::INT",
    "-(<e>)",
    "EXTRACT(YEAR FROM <e>)", "TRIM(<e>)", "POSITION('a' IN name)", "DATEADD(day, <e>, CURRENT_DATE)",
    "NVL2(<e>, 1, 2)",
    "name COLLATE 'en-ci'", "INTERVAL '1 day' + CURRENT_DATE()", "OBJECT_CONSTRUCT('a', <e>):a", "ARRAY_AGG(<e>)[0]",
    "DECODE(<e>, 1, 'a', 'b')", "X'41'", "$$it's$$", "'it\\'s'", "DATE '2024-01-01'", "GET_PATH(<e>, 'a.b')",
)  # fmt: skip
CONDITIONS = (
    "TRUE", "id = <e>", "EXISTS (<q>)", "id IN (<q>)", "(id, name) IN (<q>)", "id = ANY (<q>)", "NOT id <> ALL (<q>)",
    "name LIKE ANY ('a%', 'b%') ESCAPE '!'", "name ILIKE <e>", "name RLIKE 'a.*'", "id BETWEEN <e> AND <e>",
    "id IS DISTINCT FROM <e>",
    "name IS NOT NULL", "(<c> OR <c>)", "NOT <c>", "id NOT IN (1, <e>)", "EQUAL_NULL(id, <e>)",
)  # fmt: skip
CHANGES = (
    "INSERT INTO <w> <q>", "INSERT OVERWRITE INTO <w> (id, name) <q>",
    "INSERT INTO <w> VALUES (1, <e>), (DEFAULT, 2)",
    "INSERT INTO <w> WITH q AS (<q>) SELECT * FROM q", "UPDATE <w> SET amount = <e> WHERE <c>",
    "UPDATE <w> t SET t.amount = s.amount FROM <t> s WHERE t.id = s.id",
    "DELETE FROM <w> USING <t> u, (<q>) v WHERE <c>",
    "DELETE FROM <w> WHERE <c>", "MERGE INTO <w> t USING <t> s ON t.id = s.id WHEN MATCHED AND <c> THEN DELETE",
    "MERGE INTO <w> t USING (<q>) s ON <c> WHEN NOT MATCHED THEN INSERT (id) VALUES (<e>)",
    "MERGE INTO <w> t USING <t> s ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = <e> "
    "WHEN NOT MATCHED AND <c> THEN INSERT VALUES (1, <e>)",
    "INSERT ALL INTO <w> (id) VALUES (id) SELECT <e> AS id FROM <t>",
    "INSERT FIRST WHEN amount > 1 THEN INTO <w> ELSE INTO <w> (id) SELECT * FROM (<q>) q",
)  # fmt: skip
# Whatever stands in the slots of these, they have to be refused: code, variables, results and texts that are not known.
BLOCKS = (
    "BEGIN <q>; END", "BEGIN LET r RESULTSET := (<q>); RETURN TABLE(r); END;",
    "DECLARE c CURSOR FOR <q>; BEGIN OPEN c; END", "EXECUTE IMMEDIATE $$<q>$$",
    "EXECUTE IMMEDIATE $$BEGIN <q>; END$$", "EXECUTE IMMEDIATE :s", "EXECUTE TASK <t>",
    "EXECUTE IMMEDIATE FROM @st/a.sql", "CALL p((<q>))", "CALL p(<e>) ->> SELECT * FROM $1", "<q> ->> CALL p()",
    "WITH p AS PROCEDURE () RETURNS TABLE () LANGUAGE SQL AS $$BEGIN <q>; END$$ CALL p()", "<q>; CALL p()",
    "BEGIN TRANSACTION; <q>; COMMIT", "BEGIN; <q>", "SET v = (<q>)", "SET (a, b) = (<e>, 2)", "UNSET v",
    "LET v := (<q>)", "RETURN (<q>)", "RETURN TABLE(r)", "IF (EXISTS (<q>)) THEN RETURN 1; END IF",
    "FOR r IN (<q>) DO RETURN r; END FOR", "WHILE (<c>) DO <q>; END WHILE",
    "BEGIN <q>; EXCEPTION WHEN OTHER THEN RAISE; END", "ASYNC (<q>)", "AWAIT ALL", "SELECT id INTO :x FROM <t>",
    "SELECT id INTO x FROM <t>", "SELECT * FROM $v", "SELECT * FROM TABLE($v)", "SELECT * FROM :x",
    "SELECT * FROM IDENTIFIER($v), <t>", "SELECT * FROM IDENTIFIER(:v)", "SELECT * FROM IDENTIFIER('a' || 'b')",
    "SELECT * FROM ?", "SELECT IDENTIFIER($v)(1) FROM <t>", "SELECT * FROM TABLE(IDENTIFIER($v)(1))",
    "SELECT * FROM TABLE(:v), <t>", "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-1)))",
    "SELECT * FROM TABLE(RESULT_SCAN('x')) JOIN <t> ON <c>", "DESCRIBE RESULT 'x'",
    "CREATE PROCEDURE p() RETURNS INT LANGUAGE SQL AS $$BEGIN <q>; END$$", "CREATE TASK k WAREHOUSE = WH AS <q>",
    "CREATE OR REPLACE FUNCTION f() RETURNS INT AS $$<q>$$", "CREATE ALERT a IF (EXISTS (<q>)) THEN <q>",
    "ALTER TASK k RESUME", "WITH a AS (<q>) INSERT INTO <t> SELECT * FROM a", "WITH a AS (DELETE FROM <t>) SELECT 1",
    "SELECT * FROM (DELETE FROM <t>)", "SELECT * FROM (CALL p())", "EXPLAIN CALL p()",
    "EXPLAIN EXECUTE IMMEDIATE $$<q>$$", "<q> INTO OUTFILE 'a'", "COPY INTO @st FROM (<q>)",
    "COPY INTO 's3://b/' FROM <t>", "SHOW TABLES ->> SET v = 1", "<q> ->> DROP TABLE <t>", "USE SCHEMA x", "<q>;;<q>",
    "{{ x }} <q>", "SELECT * FROM TABLE(t.p(TABLE(<q>) OVER (PARTITION BY 1)))", "SELECT m!PREDICT(<e>) FROM <t>",
    "SELECT SYSTEM$WAIT(<e>)", "SELECT * FROM $1", "<q> ->> SELECT * FROM $2", "SELECT $$a$$b$$ FROM <t>",
    "SELECT $t$ <q> $t$", "CREATE TABLE n AS CALL p()",
)  # fmt: skip
