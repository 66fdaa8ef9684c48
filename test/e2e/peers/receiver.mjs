// receiver.mjs - a customer's server that is called by webhooks. onCall(call) scripts the answer; without it every call gets 200.
import http from 'node:http';
import https from 'node:https';

export class Receiver {
  static async listen(options = {}) {
    const r = new Receiver(options);
    await new Promise((resolve, reject) => { r.server.on('error', reject); r.server.listen(0, options.host ?? '127.0.0.1', resolve); });
    r.port = r.server.address().port;
    return r;
  }

  constructor({ onCall, tls } = {}) {
    this.onCall = onCall;
    this.calls = []; // {path, method, headers, body, json, at, answer(status, headers), reset()}
    this.connections = 0;
    this.secure = Boolean(tls);
    this.server = (tls ? https.createServer(tls) : http.createServer());
    this.sockets = new Set();
    this.server.on('connection', s => { this.connections++; this.sockets.add(s); s.on('close', () => this.sockets.delete(s)); });
    this.server.on('request', (req, res) => {
      const chunks = [];
      req.on('data', c => chunks.push(c)).on('error', () => {});
      req.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const call = {
          path: req.url, method: req.method, headers: req.headers, raw: req.rawHeaders, body, at: Date.now(), n: this.calls.length,
          answer: (status = 200, headers = {}, text = '') => res.writeHead(status, headers).end(text),
          reset: () => req.socket.resetAndDestroy(), raw: text => req.socket.end(text), half: () => { res.writeHead(200, { 'content-length': 100 }); res.write('{'); },
        };
        try { call.json = JSON.parse(body); } catch { /* a test looks at it */ }
        this.calls.push(call);
        if (this.onCall) this.onCall(call); else call.answer();
      });
    });
  }

  get url() { return `http${this.secure ? 's' : ''}://127.0.0.1:${this.port}`; }

  // What was told of a message: its calls, in order.
  of(id, path) { return this.calls.filter(c => c.json?.id === id && (!path || c.path === path)); }

  async close() {
    for (const s of this.sockets) s.destroy();
    if (this.server.listening) await new Promise(r => this.server.close(r));
  }
}
