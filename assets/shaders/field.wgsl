// Draws the field: one quad per block; each pixel finds its cell, reads that task's texel and
// draws it from the time since its last move. Nothing here knows how many tasks there are.
// Each level of detail is a fragment shader of its own: a software renderer runs both sides of
// every branch. `task.wgsl`, which draws one task, is part of the same module.

struct View {
    size: vec2<f32>,
    zoom: f32,
    speed: f32,
    pan: vec2<f32>,
    corner: vec2<f32>,
    now: u32,
    motion: u32,
    signs: u32,
    stages: u32,
    scale: f32,
    spare: vec3<f32>,
    colours: array<vec4<f32>, 16>,
    surfaces: array<vec4<f32>, 8>,
}
@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var states: texture_2d<u32>;
@group(0) @binding(2) var sprites: texture_2d_array<f32>;
@group(0) @binding(3) var soft: sampler;

const PANEL = 0u;
const HEADER = 1u;
const LINE = 2u;
const INK = 3u;
const LIGHT = 4u;
const MARK = 5u;

const EMPTY = 0u;
const QUEUED = 1u;
const FETCHING = 2u;
const PARSING = 4u;
const SAVING = 6u;
const DONE = 7u;
const BACKOFF = 8u;
const FAILED = 9u;
const DEAD = 10u;
const PARKED = 13u;
const PAUSED = 14u;
/// No task is here any more; the sign before tells how the last one ended.
const TRACE = 15u;

const SELECTED = 1u;
const HOVERED = 2u;
const DIMMED = 4u;
const FLYING = 8u;
const BEHIND_BREAKER = 16u;

const BLOCK_OPEN = 1u;
const BLOCK_HALF_OPEN = 2u;
const BLOCK_PAUSED = 4u;
const BLOCK_DIMMED = 8u;
const BLOCK_FINISHED = 16u;

const GLYPHS = 56u;
const DIGITS = 70u;

struct Block {
    @location(0) rect: vec4<f32>,
    @location(1) grid: vec4<f32>,
    @location(2) cells: vec4<u32>,
    @location(3) outside: vec4<f32>,
    @location(4) foot: vec4<f32>,
}

struct Spot {
    @builtin(position) clip: vec4<f32>,
    @location(0) world: vec2<f32>,
    @location(1) @interpolate(flat) rect: vec4<f32>,
    @location(2) @interpolate(flat) grid: vec4<f32>,
    @location(3) @interpolate(flat) cells: vec4<u32>,
    @location(4) @interpolate(flat) outside: vec4<f32>,
    @location(5) @interpolate(flat) foot: vec4<f32>,
}

fn to_clip(world: vec2<f32>) -> vec4<f32> {
    let screen = (world - view.pan) * view.zoom + view.corner;
    return vec4(screen.x / view.size.x * 2.0 - 1.0, 1.0 - screen.y / view.size.y * 2.0, 0.0, 1.0);
}

@vertex
fn place_block(@builtin(vertex_index) corner: u32, block: Block) -> Spot {
    let at = vec2(f32(corner & 1u), f32(corner >> 1u));
    var spot: Spot;
    spot.world = mix(block.rect.xy, block.rect.zw, at);
    spot.clip = to_clip(spot.world);
    spot.rect = block.rect;
    spot.grid = block.grid;
    spot.cells = block.cells;
    spot.outside = block.outside;
    spot.foot = block.foot;
    return spot;
}

/// The state texture is 2,048 columns wide.
fn texel_at(address: u32) -> vec4<u32> {
    return textureLoad(states, vec2(address & 2047u, address >> 11u), 0);
}

/// The texel of a block's cell. Cells of a finished host hold no tasks: they stand for what it has
/// brought, its dead letters last.
fn task_at(spot: Spot, cell: u32) -> vec4<u32> {
    let is_finished = (spot.cells.w & BLOCK_FINISHED) != 0u;
    let texel = texel_at(select(spot.cells.x + cell, 0u, is_finished));
    let dead = u32(ceil(abs(spot.foot.z) * f32(spot.cells.y)));
    let ending = select(DONE, DEAD, cell + dead >= spot.cells.y);
    return select(texel, vec4(0u, ending << 4u, 0u, 0u), is_finished);
}

/// The sign shown: a queued task of a host whose breaker is open is parked, of a paused session
/// paused; a task that is still on its way is not here yet; one that has left is a trace.
fn sign_of(texel: vec4<u32>, block: u32) -> u32 {
    let flags = texel.y >> 18u;
    let is_parked = (block & BLOCK_OPEN) != 0u || (flags & BEHIND_BREAKER) != 0u;
    let waiting = select(select(QUEUED, PAUSED, (block & BLOCK_PAUSED) != 0u), PARKED, is_parked);
    let sign = texel.y & 15u;
    let here = select(select(sign, waiting, sign == QUEUED), EMPTY, (flags & FLYING) != 0u);
    return select(here, TRACE, sign == EMPTY && (texel.y & 0xf0u) != 0u);
}

/// How much a sign matters when several tasks share a pixel: a digit for each sign. What waits
/// quietly yields to all else, whatever it waits for, and a trace to every task.
fn severity(sign: u32) -> u32 {
    return (select(0x46666620u, 0x12233987u, sign >= 8u) >> ((sign & 7u) * 4u)) & 15u;
}

/// The sign whose colour is drawn: a trace has that of its end.
fn colour_sign(texel: vec4<u32>, sign: u32) -> u32 {
    return select(sign, (texel.y >> 4u) & 15u, sign == TRACE);
}

fn shown(texel: vec4<u32>, of_sign: u32) -> f32 {
    let sign = colour_sign(texel, of_sign);
    let stage = (texel.y >> 8u) & 15u;
    let flags = (texel.y >> 18u) & 63u;
    let listed = ((view.signs >> sign) & (view.stages >> stage) & 1u) != 0u;
    return select(0.1, 1.0, listed && (flags & DIMMED) == 0u);
}

fn is_marked(texel: vec4<u32>) -> bool {
    return ((texel.y >> 18u) & (SELECTED | HOVERED)) != 0u;
}

fn since(texel: vec4<u32>) -> f32 {
    return max(f32(bitcast<i32>(view.now - texel.x)), 0.0);
}

/// From 0 at `low` to 1 at `high`, in a straight line.
fn ramp(low: f32, high: f32, value: f32) -> f32 {
    return clamp((value - low) / (high - low), 0.0, 1.0);
}

fn is_light() -> bool {
    return view.surfaces[PANEL].g > 0.5;
}

/// Brightness of a done task, which recedes, and of a trace.
fn recede(sign: u32, age: f32) -> f32 {
    // On a light ground the same share of colour is fainter.
    let rest = select(0.35, 0.8, is_light());
    let done = mix(1.0, rest, ramp(250.0, 1800.0, age * view.speed));
    return select(select(1.0, done, sign == DONE), select(0.2, 0.5, is_light()), sign == TRACE);
}

/// A completion pops near by and shimmers in the middle; far away only the slow fading of what is
/// done runs over the blocks, as a wave. The more happen, the fainter each: nothing strobes.
fn flash(sign: u32, age: f32, pixels: f32) -> f32 {
    let is_bad = sign == FAILED || sign == DEAD;
    let strength = ramp(2.0, 6.0, pixels) / max(view.speed, 1.0);
    let near = 1.0 - ramp(0.0, 260.0, age);
    let shimmer = 0.45 * ramp(0.0, 140.0, age) * (1.0 - ramp(140.0, 620.0, age));
    let closeness = ramp(7.0, 16.0, pixels);
    let bad = select(0.0, 0.6 * mix(shimmer, 1.0 - ramp(0.0, 400.0, age), closeness), is_bad);
    let pop = select(bad, 0.75 * mix(shimmer, near, closeness), sign == DONE);
    return select(0.0, pop * strength, view.motion == 2u);
}

/// How far a task's colour has come since its last move, where it is a few pixels: none jumps.
fn arrival(sign: u32, age: f32) -> f32 {
    let is_calm = sign == QUEUED || sign == TRACE || view.motion != 2u;
    return select(mix(0.45, 1.0, ramp(0.0, 280.0, age)), 1.0, is_calm);
}

/// A task as one colour.
fn plain(texel: vec4<u32>, sign: u32) -> vec3<f32> {
    let age = since(texel);
    let colour = view.colours[colour_sign(texel, sign)].rgb;
    // A ground of waiting tasks is quiet, so that what moves is seen.
    let calm = select(select(arrival(sign, age), 0.62, sign == QUEUED), 0.62, sign == TRACE);
    let full = mix(view.surfaces[PANEL].rgb, colour, calm * recede(sign, age) * shown(texel, sign));
    // What is marked shows its state still.
    return select(full, mix(full, view.surfaces[MARK].rgb, 0.5), is_marked(texel));
}

/// A mound of grains on the foot: what is not in the window.
fn mound(across: f32, up: f32, half: f32, most: f32) -> bool {
    let x = across / max(half, 0.01) - 1.0;
    let grain = fract(vec2(across, up) / (3.0 * view.scale)) * 3.0;
    return half > 0.0 && up >= 0.0 && up < min(most, half * 0.9) * (1.0 - x * x) && all(grain < vec2(2.0));
}

fn tinted(ground: vec3<f32>, sign: u32, share: f32) -> vec3<f32> {
    return mix(ground, view.colours[sign].rgb, share);
}

/// The foot: how far the block's host is as a line, and the mounds standing on it.
fn draw_foot(spot: Spot, ground: vec3<f32>) -> vec3<f32> {
    let up = spot.rect.w - spot.world.y;
    let line = min(spot.foot.x, 4.0 * view.scale);
    let share = (spot.world.x - spot.rect.x) / (spot.rect.z - spot.rect.x);
    let left = spot.world.x - spot.rect.x - spot.foot.y;
    let right = spot.rect.z - spot.world.x - spot.foot.y;
    let most = spot.foot.x - line - view.scale;
    var colour = ground;
    let ended = select(DONE, DEAD, spot.foot.z < 0.0);
    if mound(left, up - line, spot.outside.z, most) { colour = tinted(ground, ended, 0.8); }
    if mound(right, up - line, spot.outside.w, most) { colour = tinted(ground, QUEUED, 1.0); }
    if up < line && spot.outside.x + spot.outside.y >= 0.0 {
        colour = tinted(ground, QUEUED, 0.6);
        if share < spot.outside.x + spot.outside.y { colour = tinted(ground, FETCHING, 0.9); }
        if share < spot.outside.x { colour = tinted(ground, DONE, 0.85); }
        if share > 1.0 - abs(spot.foot.z) { colour = tinted(ground, DEAD, 0.9); }
    }
    return colour;
}

/// The block without its tasks: header, foot, walls, and how far outside its edge a pixel is.
fn draw_ground(spot: Spot) -> vec4<f32> {
    let center = (spot.rect.xy + spot.rect.zw) / 2.0;
    let half = (spot.rect.zw - spot.rect.xy) / 2.0;
    let radius = min(6.0 * view.scale / view.zoom, min(half.x, half.y));
    let q = abs(spot.world - center) - half + radius;
    let edge = (length(max(q, vec2(0.0))) + min(max(q.x, q.y), 0.0) - radius) * view.zoom;
    let is_header = spot.world.y < spot.rect.y + spot.grid.w;
    var ground = select(view.surfaces[PANEL].rgb, view.surfaces[HEADER].rgb, is_header);
    if spot.foot.x > 0.0 {
        ground = draw_foot(spot, ground);
    }
    let flags = spot.cells.w;
    if (flags & (BLOCK_OPEN | BLOCK_HALF_OPEN)) != 0u {
        let screen = spot.world * view.zoom / view.scale;
        let hatch = step(0.5, fract((screen.x + screen.y) / 12.0));
        let gap = (flags & BLOCK_HALF_OPEN) != 0u && fract(screen.x / 48.0) > 0.6;
        let wall = mix(view.surfaces[PANEL].rgb, view.colours[PARKED].rgb, select(hatch, 0.0, gap));
        ground = select(ground, wall, edge > -6.0 * view.scale);
    } else {
        ground = select(ground, view.surfaces[LINE].rgb, edge > -view.scale && spot.grid.w > 0.0);
    }
    return vec4(ground, clamp(0.5 - edge, 0.0, 1.0));
}

/// A pixel's cell: where in its block's grid, its number, and whether a task may be there.
struct Cell {
    at: vec2<f32>,
    number: u32,
    is_used: bool,
}

fn cell_of(spot: Spot) -> Cell {
    let at = (spot.world - spot.grid.xy) / spot.grid.z;
    let place = vec2<u32>(max(at, vec2(0.0)));
    var cell: Cell;
    cell.at = at;
    cell.number = place.y * spot.cells.z + place.x;
    cell.is_used = all(at >= vec2(0.0)) && place.x < spot.cells.z && cell.number < spot.cells.y;
    return cell;
}

fn faded(spot: Spot) -> f32 {
    return select(1.0, 0.55, (spot.cells.w & BLOCK_DIMMED) != 0u);
}

fn finish(spot: Spot, paint: vec4<f32>) -> vec4<f32> {
    let ground = draw_ground(spot);
    let top = paint * faded(spot);
    return vec4(top.rgb + ground.rgb * (1.0 - top.a), 1.0) * ground.a * spot.foot.w;
}

@fragment
fn draw_near(spot: Spot) -> @location(0) vec4<f32> {
    let cell = cell_of(spot);
    var paint = vec4(0.0);
    if cell.is_used {
        let texel = task_at(spot, cell.number);
        let sign = sign_of(texel, spot.cells.w);
        if sign != EMPTY {
            paint = draw_creature(texel, sign, fract(cell.at), spot.grid.z * view.zoom);
        }
    }
    return finish(spot, paint);
}

fn draw_glyphs(spot: Spot, ringed: bool) -> vec4<f32> {
    let cell = cell_of(spot);
    var paint = vec4(0.0);
    if cell.is_used {
        let texel = task_at(spot, cell.number);
        let sign = sign_of(texel, spot.cells.w);
        if sign != EMPTY {
            paint = draw_glyph(texel, sign, fract(cell.at), spot.grid.z * view.zoom, ringed);
        }
    }
    return finish(spot, paint);
}

@fragment
fn draw_ringed(spot: Spot) -> @location(0) vec4<f32> {
    return draw_glyphs(spot, true);
}

@fragment
fn draw_signs(spot: Spot) -> @location(0) vec4<f32> {
    return draw_glyphs(spot, false);
}

@fragment
fn draw_squares(spot: Spot) -> @location(0) vec4<f32> {
    let cell = cell_of(spot);
    let texel = task_at(spot, select(0u, cell.number, cell.is_used));
    let sign = sign_of(texel, spot.cells.w);
    let paint = draw_square(texel, sign, fract(cell.at), spot.grid.z * view.zoom);
    return finish(spot, select(vec4(0.0), paint, cell.is_used && sign != EMPTY));
}

@fragment
fn draw_plain(spot: Spot) -> @location(0) vec4<f32> {
    let cell = cell_of(spot);
    let texel = task_at(spot, select(0u, cell.number, cell.is_used));
    let sign = sign_of(texel, spot.cells.w);
    let paint = vec4(plain(texel, sign), 1.0);
    return finish(spot, select(vec4(0.0), paint, cell.is_used && sign != EMPTY));
}

/// Several tasks share a pixel: the most severe of them is seen.
@fragment
fn draw_dense(spot: Spot) -> @location(0) vec4<f32> {
    let cell = cell_of(spot);
    let reach = clamp(u32(ceil(0.99 / (spot.grid.z * view.zoom))), 2u, 4u);
    let column = u32(max(cell.at.x, 0.0));
    var worst = vec4<u32>(0u);
    var worst_sign = EMPTY;
    for (var row = 0u; row < reach; row++) {
        for (var step = 0u; step < reach; step++) {
            let other = cell.number + row * spot.cells.z + step;
            let is_there = cell.is_used && other < spot.cells.y && column + step < spot.cells.z;
            let texel = task_at(spot, select(0u, other, is_there));
            let sign = select(EMPTY, sign_of(texel, spot.cells.w), is_there);
            let is_worse = severity(sign) > severity(worst_sign);
            worst = select(worst, texel, is_worse);
            worst_sign = select(worst_sign, sign, is_worse);
        }
    }
    let paint = vec4(plain(worst, worst_sign), 1.0);
    return finish(spot, select(vec4(0.0), paint, worst_sign != EMPTY));
}

struct Flight {
    @location(0) path: vec4<f32>,
    @location(1) spans: vec4<f32>,
    @location(2) texel: vec4<u32>,
    @location(3) times: vec2<u32>,
}

struct Flier {
    @builtin(position) clip: vec4<f32>,
    @location(0) local: vec2<f32>,
    @location(1) @interpolate(flat) texel: vec4<u32>,
    @location(2) @interpolate(flat) pixels: f32,
    @location(3) @interpolate(flat) strength: f32,
}

@vertex
fn place_flight(@builtin(vertex_index) corner: u32, flight: Flight) -> Flier {
    let way = clamp(f32(bitcast<i32>(view.now - flight.times.x)) / f32(max(flight.times.y, 1u)), 0.0, 1.0);
    let eased = way * way * (3.0 - 2.0 * way);
    let span = mix(flight.spans.x, flight.spans.y, eased) * (1.0 + 0.35 * sin(way * 3.1415927));
    let lift = -flight.spans.z * sin(way * 3.1415927);
    let center = mix(flight.path.xy, flight.path.zw, eased) + vec2(0.0, lift);
    let at = vec2(f32(corner & 1u), f32(corner >> 1u));
    var flier: Flier;
    flier.clip = to_clip(center + (at - 0.5) * span);
    flier.local = at;
    flier.texel = flight.texel;
    flier.pixels = span * view.zoom;
    flier.strength = select(1.0, 0.0, way >= 1.0);
    return flier;
}

@fragment
fn draw_flight(flier: Flier) -> @location(0) vec4<f32> {
    let sign = flier.texel.y & 15u;
    if flier.strength <= 0.0 || sign == EMPTY { discard; }
    if flier.pixels >= 30.0 {
        return draw_creature(flier.texel, sign, flier.local, flier.pixels);
    }
    return draw_glyph(flier.texel, sign, flier.local, flier.pixels, flier.pixels >= 14.0);
}
