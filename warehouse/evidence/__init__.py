"""What an auditor is handed: questions with their SQL, controls, certificates of completeness, evidence packs."""
