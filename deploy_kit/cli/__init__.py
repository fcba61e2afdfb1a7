"""Arguments and output. What a command does stands in `deploy_kit.lifecycle`; nothing heavy is imported here."""
