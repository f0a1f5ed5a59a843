-- What is refused because there is as much of it as may be. Nothing of it is written then.

local function over(about) error({ over = about }) end

local function live_behind(start)
  local live = 0
  for _, status in ipairs({ LIVE_STATUSES }) do live = live + read('zset', 'ZCARD', start .. 'idx:s:' .. status) end
  return live
end

-- Of all projects together.
local function live_jobs()
  local live = live_behind('')
  for _, name in ipairs(read('zset', 'ZRANGE', 'projects', 0, -1)) do live = live + live_behind('p:' .. name .. ':') end
  return live
end

-- One live job more.
local function check_live()
  if args.max_live and live_jobs() >= args.max_live then over({ limit = args.max_live }) end
end
