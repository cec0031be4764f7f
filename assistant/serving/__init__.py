"""What stands behind the chat and beside it: sign-in, limits, HTTP API and MCP tools."""
