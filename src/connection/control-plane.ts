import type { FilterClient } from './filter-packets.ts'

/** A client that asks to be admitted. */
export interface ControlAdmission {
  /** Its connection is gone. */
  destroy(): void
}

/** Decides on the control packets of one client; its answers come as calls of the Control it was opened for. */
export interface ControlClient extends ControlAdmission, FilterClient {
  /** The will is not to be published. */
  disconnect(): void
}

/** The control plane: it lets clients in, grants subscriptions and tells when a will is due. */
export interface ControlPlane<P> {
  /** Asks for a client to be admitted, with a CONNECT of MQTT 3.1.1, or 3.1, whose buffer it keeps. */
  open(peer: P, connect: Buffer): ControlAdmission
}
