import { hostname } from 'node:os'
import { join } from 'node:path'

/** What the commands have made, for people and for `--json`. */
export interface Made {
  readonly folder: string
  /** Names of the files that are new or were replaced, in the folder. */
  readonly files: readonly string[]
  /** Names and addresses that the certificate of the server is good for. */
  readonly names: readonly string[]
  /** When the certificate ends, as ISO 8601. */
  readonly endsOn: string
}

/** What a person does next with the certificate of a server. */
export function serverText({ folder, files, names, endsOn }: Made, authority: string): string {
  const host = hostname()
  const file = (name: string): string => join(folder, name)
  return `Made in ${folder}, for trying out: ${files.join(', ')}
Good until ${day(endsOn)} for ${names.join(', ')}.
For a public name take a certificate of a public CA. Keep ca-key.pem where nobody else can read it: who has it can be any client.

Lines for hubbub.yaml:
  listeners:
    - { kind: mqtt, host: localhost }
    - { kind: http, host: localhost }
    - kind: mqtts
      host: 0.0.0.0
      certificate: ${file('server.pem')}
      key: ${file('server-key.pem')}
      ca: ${file('ca.pem')}              # who signs the certificates of clients
      crl: ${file('crl.pem')}            # those that are revoked
      clientCertificates: optional   # required: nobody without one
    - kind: https
      host: 0.0.0.0
      certificate: ${file('server.pem')}
      key: ${file('server-key.pem')}

Try it:
  mosquitto_pub -h localhost -p 8883 --cafile ${file('ca.pem')} -t hello/world -m 'Hi'

Home Assistant: Settings > Devices & services > MQTT > Configure: broker ${host}, port 8883, "Broker certificate validation": custom, and
  upload ${file('ca.pem')}.

A browser: open https://${host}:8443 after it has taken ${file('ca.pem')} as an authority. Firefox: Settings > Privacy & Security >
  View Certificates > Authorities > Import. Chrome: chrome://certificate-manager > Local certificates > Import. Android and iOS: send the
  file to the phone and open it.

ESP32 (Arduino; its clock must be right, so call configTime first):
  static const char CA[] = R"PEM(
${authority})PEM";
  WiFiClientSecure tls;
  tls.setCACert(CA);

A client with a certificate of its own: hubbub cert client NAME${folderFlag(folder)}
`
}

/** The same for the certificate of a client. */
export function clientText({ folder, files, endsOn }: Made, name: string): string {
  const file = (of: string): string => join(folder, of)
  return `Made in ${folder}, for trying out: ${files.join(', ')}
Good until ${day(endsOn)}. The hub knows the client as "${name}" where a listener has clientCertificates: optional or required.

Try it:
  mosquitto_pub -h localhost -p 8883 --cafile ${file('ca.pem')} --cert ${file(`${name}.pem`)} --key ${file(`${name}-key.pem`)} -t hello/world -m 'Hi'

Home Assistant: "Use a client certificate", and upload ${file(`${name}.pem`)} and ${file(`${name}-key.pem`)}.

ESP32 (Arduino), with the text of both files as for the CA:
  tls.setCertificate(CERTIFICATE);
  tls.setPrivateKey(KEY);

A browser takes one file for both:
  openssl pkcs12 -export -in ${file(`${name}.pem`)} -inkey ${file(`${name}-key.pem`)} -out ${file(`${name}.p12`)}

When it is lost: hubbub cert revoke ${name}${folderFlag(folder)}
`
}

/** The same for a certificate that is revoked. */
export function revokedText({ folder, endsOn }: Made, name: string): string {
  return `The certificate of "${name}" is on the list ${join(folder, 'crl.pem')}, which is good until ${day(endsOn)}.
A running hub whose listener names the list (crl) takes it within seconds, and ends the connections of that certificate.
`
}

function folderFlag(folder: string): string {
  return folder === 'certs' ? '' : ` --folder ${folder}`
}

function day(iso: string): string {
  return iso.slice(0, 10)
}
