// tls.mjs - certificates of a test: an authority of its own and what it signed, made by openssl.
import fs from 'node:fs';
import path from 'node:path';
import assert from 'node:assert/strict';
import { run } from './gateway.mjs';

// selfSigned(world, names): {key, cert} as PEM texts and `ca`, the file that vouches for it.
export async function selfSigned(world, names = 'DNS:localhost,IP:127.0.0.1') {
  const dir = world.folder(), file = n => path.join(dir, n);
  const r = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout',
    file('key.pem'), '-out', file('cert.pem'), '-subj', '/CN=localhost', '-addext', `subjectAltName=${names}`]);
  assert.equal(r.code, 0, r.stderr);
  return { key: fs.readFileSync(file('key.pem')), cert: fs.readFileSync(file('cert.pem')), ca: file('cert.pem'), keyFile: file('key.pem') };
}
