-- A database for each service, and a role that owns it: nobody else may even connect to it. PostgreSQL's image runs this file once, when it
-- has made an empty server. Run again, it makes what is not there yet.
--
-- Who a service is, and its password, are what the service is told: nothing is said twice. The URLs have the form
-- postgres://ROLE:PASSWORD@HOST/DATABASE, nothing encoded. A wrong one fails here, and leaves a server without databases: mend it, then `docker
-- compose down --volumes`.
\set web `cat /run/secrets/web_database_url`
\set github `cat /run/secrets/github_database_url`
\set insights `cat /run/secrets/insights_database_url`
\set backlog `cat /run/secrets/backlog_database_url`
\set notify `cat /run/secrets/notify_database_url`
\set feed `cat /run/secrets/feed_database_url`

CREATE TEMPORARY TABLE wanted AS
  SELECT part[1] AS role, part[2] AS password, part[3] AS database
  FROM unnest(ARRAY[:'web', :'github', :'insights', :'backlog', :'notify', :'feed']) AS url,
    regexp_match(url, '^postgres://([^:@/]+):([^@/%]+)@[^/]+/([a-z_]+)$') AS part;

SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', role, password) FROM wanted
WHERE role NOT IN (SELECT rolname FROM pg_roles) OR role IS NULL \gexec

-- An administrator who is no superuser gives away only what it could own.
SELECT format('GRANT %I TO CURRENT_USER', role) FROM wanted WHERE role IS NOT NULL \gexec

SELECT format('CREATE DATABASE %I OWNER %I', database, role) FROM wanted
WHERE database NOT IN (SELECT datname FROM pg_database) OR database IS NULL \gexec

SELECT format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', database) FROM wanted \gexec
