//! robots.txt, rates, budgets, breakers, retries: pure policy.
