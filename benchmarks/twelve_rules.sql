-- The twelve rules as somebody who knows them writes them for DuckDB, once: no models, no errors, no repeated rows.
COPY (
  WITH ruled AS (
    SELECT plan.company_id AS id, plan.domain AS planned_domain, good.*, list_filter([
      CASE WHEN coalesce(trim(industry), '') <> '' THEN {rule: 'known-industry', axis: 'fit', points: 10.0::DOUBLE, reason: 'Industry known'} END,
      CASE WHEN good.country IN ('DE', 'AT', 'CH') THEN {rule: 'in-region', axis: 'fit', points: 8.0::DOUBLE, reason: 'In the region'} END,
      CASE WHEN founded <= 2015 THEN {rule: 'established', axis: 'fit', points: 6.0::DOUBLE, reason: 'In business since 2015 or before'} END,
      CASE WHEN employees_min >= 10 THEN {rule: 'team-of-ten', axis: 'fit', points: 8.0::DOUBLE, reason: 'Ten or more people'} END,
      CASE WHEN contains(lower(description), 'software') OR contains(lower(description), 'platform') THEN {rule: 'sells-software', axis: 'fit', points: 7.0::DOUBLE, reason: 'Speaks of software'} END,
      CASE WHEN regexp_matches(description, '\S{3,}\s+\S{3,}\s+\S{3,}') THEN {rule: 'says-what-it-does', axis: 'fit', points: 6.0::DOUBLE, reason: 'Describes what it does'} END,
      CASE WHEN coalesce(trim(careers_url), '') <> '' THEN {rule: 'hiring', axis: 'intent', points: 9.0::DOUBLE, reason: 'Hiring: has a careers page'} END,
      CASE WHEN list_has_any(technologies, ['Shopify', 'WooCommerce', 'Stripe', 'PayPal']) THEN {rule: 'sells-online', axis: 'intent', points: 8.0::DOUBLE, reason: 'Sells online'} END,
      CASE WHEN cardinality(social) >= 2 THEN {rule: 'active-in-public', axis: 'intent', points: 5.0::DOUBLE, reason: 'Two or more social networks'} END,
      CASE WHEN len(emails) > 0 THEN {rule: 'has-email', axis: 'contact', points: 14.0::DOUBLE, reason: 'E-mail found'} END,
      CASE WHEN len(phones) > 0 THEN {rule: 'has-phone', axis: 'contact', points: 10.0::DOUBLE, reason: 'Phone found'} END,
      CASE WHEN quality <= 0.25 THEN {rule: 'thin-data', axis: 'fit', points: -8.0::DOUBLE, reason: 'Little found on the site'} END
    ], lambda x: x IS NOT NULL) AS contributions
    FROM read_parquet($plan) AS plan LEFT JOIN read_parquet($rows) AS good ON good.company_id = plan.company_id
  ),
  scored AS (
    SELECT *, greatest(0, least(100, coalesce(list_sum(list_transform(contributions, lambda x: x.points)), 0))) AS score
    FROM ruled
  )
  SELECT id AS company_id, coalesce(domain, planned_domain) AS domain, url, name, legal_name, description, emails,
    phones, fax, address, country, language, social, industry, technologies, employees_min, employees_max, founded,
    logo_url, careers_url, pricing_url, contact_url, pages, facts, quality, score::DOUBLE AS score,
    CASE WHEN score >= 70 THEN 'A' WHEN score >= 50 THEN 'B' WHEN score >= 30 THEN 'C' ELSE 'D' END AS tier,
    NULL::DOUBLE AS fit, (CASE WHEN len(emails) > 0 THEN 14 ELSE 0 END + CASE WHEN len(phones) > 0 THEN 10 ELSE 0 END)
      * 100 / 24::DOUBLE AS reach,
    NULL::DOUBLE AS probability, contributions, 'twelve' AS model_version,
    NULL::VARCHAR AS error_category, NULL::VARCHAR AS error, NULL::VARCHAR AS error_code, scraped_at, processed_at, enriched_at,
    now() AS scored_at, job_id, schema_version
  FROM scored
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
