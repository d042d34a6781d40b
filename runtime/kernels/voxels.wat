;; The loops that touch every voxel of every job, two to four voxels at a time. `npm run kernels` makes voxels.wasm.
;; Arithmetic is in doubles and in the order of `voxels.ts`, which says what is computed; results are equal bit by bit.
;; Memory: [0, 128 KiB) 16384 doubles or floats that go in, [128 KiB, 192 KiB) 16384 floats or integers that come out.
(module
  (memory (export "memory") 3)

  ;; Network input: doubles at 0 become floats at 128 KiB. `count` is a multiple of 4.
  (func (export "normalize")
    (param $count i32) (param $low f64) (param $scale f64) (param $min f32) (param $max f32)
    (local $at i32) (local $end i32) (local $value v128)
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $value
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
            (f32x4.demote_f64x2_zero
              (f64x2.mul
                (f64x2.sub
                  (v128.load (i32.shl (local.get $at) (i32.const 1)))
                  (f64x2.splat (local.get $low)))
                (f64x2.splat (local.get $scale))))
            (f32x4.demote_f64x2_zero
              (f64x2.mul
                (f64x2.sub
                  (v128.load offset=16 (i32.shl (local.get $at) (i32.const 1)))
                  (f64x2.splat (local.get $low)))
                (f64x2.splat (local.get $scale))))))
        ;; NaN and infinities differ from themselves by NaN, which equals nothing: they become 0.
        (local.set $value
          (v128.and (local.get $value)
            (f32x4.eq
              (f32x4.sub (local.get $value) (local.get $value))
              (v128.const f32x4 0 0 0 0))))
        (v128.store offset=131072 (local.get $at)
          (f32x4.pmin
            (f32x4.pmax (local.get $value) (f32x4.splat (local.get $min)))
            (f32x4.splat (local.get $max))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next))))

  ;; Samples: floats at 0 become 32-bit integers at 128 KiB; returns how many were clipped. `count` is a multiple of 4.
  ;; Adding 1.5 x 2^52 rounds a double to an integer, half to even, which then stands in its lower 32 bits.
  (func (export "quantize")
    (param $count i32) (param $gain f64) (param $offset f64) (param $min f64) (param $max f64)
    (result i32)
    (local $at i32) (local $end i32) (local $four v128) (local $a v128) (local $b v128)
    (local $aInside v128) (local $bInside v128) (local $clipped v128) (local $low v128) (local $high v128)
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    (local.set $low (f64x2.splat (f64.add (local.get $min) (f64.const 6755399441055744))))
    (local.set $high (f64x2.splat (f64.add (local.get $max) (f64.const 6755399441055744))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $four (v128.load (local.get $at)))
        (local.set $a
          (f64x2.add
            (f64x2.add
              (f64x2.mul (f64x2.promote_low_f32x4 (local.get $four)) (f64x2.splat (local.get $gain)))
              (f64x2.splat (local.get $offset)))
            (v128.const f64x2 6755399441055744 6755399441055744)))
        (local.set $b
          (f64x2.add
            (f64x2.add
              (f64x2.mul
                (f64x2.promote_low_f32x4
                  (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15
                    (local.get $four) (local.get $four)))
                (f64x2.splat (local.get $gain)))
              (f64x2.splat (local.get $offset)))
            (v128.const f64x2 6755399441055744 6755399441055744)))
        (local.set $aInside
          (v128.and
            (f64x2.ge (local.get $a) (local.get $low))
            (f64x2.le (local.get $a) (local.get $high))))
        (local.set $bInside
          (v128.and
            (f64x2.ge (local.get $b) (local.get $low))
            (f64x2.le (local.get $b) (local.get $high))))
        (if (i32.eqz (i32x4.all_true (v128.and (local.get $aInside) (local.get $bInside))))
          (then
            ;; A true comparison is -1. What is NaN is not inside, and becomes 0.
            (local.set $clipped
              (i64x2.add (local.get $clipped)
                (i64x2.add
                  (i64x2.add (local.get $aInside) (v128.const i64x2 1 1))
                  (i64x2.add (local.get $bInside) (v128.const i64x2 1 1)))))
            (local.set $a
              (v128.and
                (f64x2.eq (local.get $a) (local.get $a))
                (f64x2.pmin (f64x2.pmax (local.get $a) (local.get $low)) (local.get $high))))
            (local.set $b
              (v128.and
                (f64x2.eq (local.get $b) (local.get $b))
                (f64x2.pmin (f64x2.pmax (local.get $b) (local.get $low)) (local.get $high))))))
        (v128.store offset=131072 (local.get $at)
          (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $a) (local.get $b)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (i32.wrap_i64
      (i64.add
        (i64x2.extract_lane 0 (local.get $clipped))
        (i64x2.extract_lane 1 (local.get $clipped)))))

  ;; As `quantize` with a gain of 1 and an offset of 0, to 16-bit integers, signed or not: the floats themselves are
  ;; rounded, which comes to the same. `count` is a multiple of 8.
  ;; Adding 1.5 x 2^23 to an integer below 2^22 leaves it in the float's lower bits.
  (func (export "round16") (param $count i32) (param $min f32) (param $max f32) (result i32)
    (local $at i32) (local $end i32) (local $a v128) (local $b v128) (local $aInside v128) (local $bInside v128)
    (local $low v128) (local $high v128) (local $outside i32)
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    (local.set $low (f32x4.splat (local.get $min)))
    (local.set $high (f32x4.splat (local.get $max)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $a (f32x4.nearest (v128.load (local.get $at))))
        (local.set $b (f32x4.nearest (v128.load offset=16 (local.get $at))))
        (local.set $aInside
          (v128.and (f32x4.ge (local.get $a) (local.get $low)) (f32x4.le (local.get $a) (local.get $high))))
        (local.set $bInside
          (v128.and (f32x4.ge (local.get $b) (local.get $low)) (f32x4.le (local.get $b) (local.get $high))))
        (if (i32.eqz (i32x4.all_true (v128.and (local.get $aInside) (local.get $bInside))))
          (then
            (local.set $outside
              (i32.sub
                (i32.add (local.get $outside) (i32.const 8))
                (i32.add
                  (i32.popcnt (i32x4.bitmask (local.get $aInside)))
                  (i32.popcnt (i32x4.bitmask (local.get $bInside))))))
            (local.set $a
              (v128.and
                (f32x4.eq (local.get $a) (local.get $a))
                (f32x4.pmin (f32x4.pmax (local.get $a) (local.get $low)) (local.get $high))))
            (local.set $b
              (v128.and
                (f32x4.eq (local.get $b) (local.get $b))
                (f32x4.pmin (f32x4.pmax (local.get $b) (local.get $low)) (local.get $high))))))
        (v128.store offset=131072 (i32.shr_u (local.get $at) (i32.const 1))
          (i8x16.shuffle 0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29
            (f32x4.add (local.get $a) (v128.const f32x4 12582912 12582912 12582912 12582912))
            (f32x4.add (local.get $b) (v128.const f32x4 12582912 12582912 12582912 12582912))))
        (local.set $at (i32.add (local.get $at) (i32.const 32)))
        (br $next)))
    (local.get $outside))

  ;; Unsigned 16-bit integers at 0 become floats at 128 KiB. `count` is a multiple of 8.
  (func (export "widen16") (param $count i32)
    (local $at i32) (local $end i32)
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (v128.store offset=131072 (local.get $at)
          (f32x4.convert_i32x4_u (v128.load16x4_u (i32.shr_u (local.get $at) (i32.const 1)))))
        (v128.store offset=131088 (local.get $at)
          (f32x4.convert_i32x4_u (v128.load16x4_u offset=8 (i32.shr_u (local.get $at) (i32.const 1)))))
        (local.set $at (i32.add (local.get $at) (i32.const 32)))
        (br $next)))))
