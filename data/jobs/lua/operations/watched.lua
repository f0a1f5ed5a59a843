-- A process that watches the stack saw something become wrong, or well again: the first one that does tells.
local function operation()
  local known = read('hash', 'HGET', 'watched', args.cause)
  if args.is_wrong == not known then
    if args.is_wrong then write('hash', 'watched', 'HSET', args.cause, now) else write('hash', 'watched', 'HDEL', args.cause) end
    notice(args.kind, dec(args.data), args.heard)
  end
  return { ok = true }
end
