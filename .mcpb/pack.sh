#!/usr/bin/env bash
# Packs the bundle for Claude Desktop, and starts what it packed as a host would. Needs Node, and Go to build.
#   .mcpb/pack.sh [-v VERSION] [-r REPOSITORY] [-o FILE] [DIST]
# REPOSITORY is the URL of the project's home, which manifest.json has a placeholder for. DIST is what goreleaser wrote, for a bundle that runs on every system; without it, one for this system is built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=https://github.com/OWNER/runs-mcp
version=0.0.0 repository=$home out=runs-mcp.mcpb
while getopts v:r:o: option; do
	case $option in v) version=${OPTARG#v} ;; r) repository=$OPTARG ;; o) out=$OPTARG ;; *) exit 2 ;; esac
done
shift $((OPTIND - 1))
case $out in /* | ?:*) ;; *) out=$PWD/$out ;; esac
dist=${1:-}
[ -z "$dist" ] || dist=$(cd "$dist" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
stage=$temp/stage server=$temp/stage/server
mkdir -p "$server"

if [ -n "$dist" ]; then
	cp "$dist"/*darwin_all*/runs-mcp "$server/runs-mcp-darwin"
	cp "$dist"/*linux_amd64*/runs-mcp "$server/runs-mcp-linux-x86_64"
	cp "$dist"/*linux_arm64*/runs-mcp "$server/runs-mcp-linux-aarch64"
	cp "$dist"/*windows_amd64*/runs-mcp.exe "$server/runs-mcp.exe" # arm64 runs it too; an override is by system only
	platforms='["darwin","linux","win32"]'
else
	case $(uname -s) in
	Darwin) binary=runs-mcp-darwin platforms='["darwin"]' ;;
	Linux) binary=runs-mcp-linux-$(uname -m) platforms='["linux"]' ;;
	*) binary=runs-mcp.exe platforms='["win32"]' ;;
	esac
	(cd "$here/.." && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$server/$binary" .)
fi
# Hosts unpack without the executable bit, hence a script for /bin/sh to read. It uses nothing of PATH but uname and chmod.
cat >"$server/start.sh" <<'START'
#!/bin/sh
PATH=${PATH:-/usr/bin:/bin}
case $(uname -s) in
Darwin) binary=${0%/*}/runs-mcp-darwin ;;
*) binary=${0%/*}/runs-mcp-linux-$(uname -m) ;;
esac
[ -x "$binary" ] || chmod u+x "$binary" || exit 2
exec "$binary" "$@"
START
chmod 755 "$server"/*
cp "$here/../LICENSE" "$here/../.github/PRIVACY.md" "$here/icon.png" "$stage"

cd "$here"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
VERSION=$version PLATFORMS=$platforms PLACEHOLDER=$home REPOSITORY=$repository node -e '
	const { VERSION, PLATFORMS, PLACEHOLDER, REPOSITORY } = process.env;
	const manifest = JSON.parse(require("fs").readFileSync("manifest.json", "utf8").replaceAll(PLACEHOLDER, () => REPOSITORY));
	manifest.version = VERSION;
	manifest.compatibility.platforms = JSON.parse(PLATFORMS);
	console.log(JSON.stringify(manifest, null, 2));' >"$stage/manifest.json"
npx --no mcpb validate "$stage/manifest.json"
npx --no mcpb pack "$stage" "$out" | grep -E 'size|Output'

# What a host makes of it. Whatever is not filled in has its default, and the server takes a blank value as unset.
npx --no mcpb unpack "$out" "$temp/unpacked" >/dev/null
chmod 600 "$temp/unpacked/server"/*
echo sk-example >"$temp/key"
UNPACKED=$temp/unpacked KEY_FILE=$temp/key node --input-type=module -e '
	import assert from "assert";
	import { readFileSync } from "fs";
	import { spawnSync } from "child_process";
	import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";
	const { UNPACKED: extensionPath, KEY_FILE: api_key_file } = process.env;
	const manifest = JSON.parse(readFileSync(extensionPath + "/manifest.json"));
	const input = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }) + "\n";
	async function start(userConfig) {
		const { command, args, env } = await getMcpConfigForManifest({ manifest, extensionPath, systemDirs: {}, userConfig, pathSeparator: "/" });
		assert.doesNotMatch(JSON.stringify({ command, args, env }), /\$\{/, "a variable of the manifest has no value");
		return spawnSync(command, args, { env, input, encoding: "utf8" });
	}
	for (const userConfig of [
		{ sandbox: true },
		{ base_url: "http://localhost:9/v1" },
		{ base_url: "http://localhost:9/v1", read_only: true },
		{ base_url: "https://api.example/v1", api_key: "sk-example", auth: "api-key", query: "api-version=v1" },
		{ base_url: "https://api.example/v1", api_key_file, results: "text" },
		{ base_url: "https://api.example/v1", api_key_command: "echo sk-example" },
	]) {
		const given = JSON.stringify(userConfig);
		const { stdout, stderr, status } = await start(userConfig);
		assert.deepEqual([stderr, status], ["", 0], given);
		const { tools } = JSON.parse(stdout).result;
		const wanted = manifest.tools.map((tool) => tool.name).filter((name) => !userConfig.read_only || name !== "cancel_run");
		assert.deepEqual(tools.map((tool) => tool.name).sort(), wanted.sort(), given);
		for (const tool of tools) assert.equal("outputSchema" in tool, userConfig.results !== "text", given);
		console.log("answers:", given.replace(api_key_file, "FILE"));
	}
	const { stdout, stderr, status } = await start({});
	assert.deepEqual([stdout, status], ["", 2], "with nothing filled in");
	assert.match(stderr, /^runs-mcp: no API key: .*sandbox.*\n$/, "with nothing filled in");
	console.log("says, with nothing filled in:", stderr.trim());'
