INSERT INTO rules (id, name, event, conditions, actions, version, created_at) VALUES
    ('01890000-0000-7000-8000-000000000001', 'Thank for a pull request', 'item_opened',
     '{"kind":"pull_request","author":"community"}',
     '[{"set_status":"needs_review"},{"comment":"Thank you for the pull request, @{author}! A maintainer will review it."}]',
     1, 1561939200000),
    ('01890000-0000-7000-8000-000000000002', 'Take up what was answered', 'comment_added',
     '{"status":"waiting_for_feedback","author":"community"}',
     '[{"set_status":"feedback_received"}]',
     1, 1561939200000),
    ('01890000-0000-7000-8000-000000000003', 'Call somebody about security', 'label_added',
     '{"label":"security"}',
     '[{"notify":{"channel":"sms","to":"on_call","text":"Security: {title} {url}"}}]',
     1, 1561939200000)
