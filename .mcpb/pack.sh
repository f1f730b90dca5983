#!/usr/bin/env bash
# Packs the bundle for Claude Desktop, and starts what it packed as a host would. Needs Node, and Go to build.
#   .mcpb/pack.sh [-v VERSION] [-o FILE] [DIST]
# DIST is what goreleaser wrote, for a bundle that runs on every system; without it, one for this system is built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=0.0.0 out=runs-mcp.mcpb
while getopts v:o: option; do
	case $option in v) version=${OPTARG#v} ;; o) out=$OPTARG ;; *) exit 2 ;; esac
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
cp "$here/../LICENSE" "$stage"

cd "$here"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
VERSION=$version PLATFORMS=$platforms node -e '
	const manifest = JSON.parse(require("fs").readFileSync("manifest.json"));
	manifest.version = process.env.VERSION;
	manifest.compatibility.platforms = JSON.parse(process.env.PLATFORMS);
	console.log(JSON.stringify(manifest, null, 2));' >"$stage/manifest.json"
npx --no mcpb validate "$stage/manifest.json"
npx --no mcpb pack "$stage" "$out" | grep -E 'size|Output'

# What a host makes of it, with nothing filled in but what is required: every other value has to be empty.
npx --no mcpb unpack "$out" "$temp/unpacked" >/dev/null
chmod 600 "$temp/unpacked/server"/*
UNPACKED=$temp/unpacked node --input-type=module -e '
	import { readFileSync } from "fs";
	import { execFileSync } from "child_process";
	import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";
	const extensionPath = process.env.UNPACKED;
	const manifest = JSON.parse(readFileSync(extensionPath + "/manifest.json"));
	for (const userConfig of [{ base_url: "http://localhost:9/v1" }, { base_url: "https://api.example/v1", sandbox: true }, { base_url: "http://localhost:9/v1", read_only: true }]) {
		const config = await getMcpConfigForManifest({ manifest, extensionPath, systemDirs: {}, userConfig, pathSeparator: "/" });
		const answer = execFileSync(config.command, config.args, { env: config.env, stdio: ["pipe", "pipe", "inherit"], input: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }) + "\n" });
		const names = JSON.parse(answer).result.tools.map((tool) => tool.name).sort().join();
		const wanted = manifest.tools.map((tool) => tool.name).filter((name) => !userConfig.read_only || name !== "cancel_run").sort().join();
		if (names !== wanted) throw new Error(`the server has ${names}, the manifest ${wanted}`);
		console.log("answers:", names);
	}'
