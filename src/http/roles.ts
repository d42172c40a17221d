import type { FastifyInstance, RouteOptions } from 'fastify'
import { type Role, ROLES } from '../auth/identity.ts'
import type { RouteRole } from './schemas/route.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may ask. */
    role?: RouteRole
    /** A person opens it in a browser: one who has not signed in is led to where one does. */
    isPage?: true
    /** What machines ask that watch the hub: `http.probes` may open it. */
    isProbe?: true
  }
}

/** Has `app` not start with a route that does not say who may ask it. */
export function requireRoles(app: FastifyInstance): void {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => void routes.push(route))
  // Those of a plugin are given their role by a hook after this one.
  app.addHook('onReady', (done) => {
    const route = routes.find(({ config }) => config?.role === undefined)
    done(route && new Error(`the route ${String(route.method)} ${route.url} must say who may ask it, it does not`))
  })
}

/** Whether somebody may ask a route. A role may do what those below it may. */
export function includesRole(role: Role | undefined, wanted: RouteRole): boolean {
  if (wanted === 'open') return true
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(wanted)
}
