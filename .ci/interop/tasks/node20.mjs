// Loaded before the conformance suite, which imports fs.globSync: Node 20 lacks it, and no scenario of a server needs it.
import fs from "node:fs";
import { register } from "node:module";

const shim = `data:text/javascript,export * from "node:fs"; export const globSync = () => []`;
const hooks = `export const resolve = (name, context, next) => name === "fs" ? { url: ${JSON.stringify(shim)}, shortCircuit: true } : next(name, context)`;
if (!fs.globSync) register(`data:text/javascript,${encodeURIComponent(hooks)}`);
