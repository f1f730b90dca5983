// Loaded into the gateway, which can only be told a port: makes it listen on loopback, and tell its parent on which port.
import net from "node:net";

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (port, ...rest) {
  this.once("listening", () => process.send(this.address().port));
  return listen.call(this, { port, host: "127.0.0.1" }, rest.at(-1));
};
