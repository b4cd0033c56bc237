"""What the appliance tells its operators: metrics, their exporter, health, structured logs. Imports nothing of ours."""
