// SPDX-License-Identifier: BSD-3-Clause
// A solver's memory. A part of solvers.inl.hpp, inside its namespaces.

// A number per lane, in memory.
struct Scalar {
  double* p;
  THALWEG_INLINE operator V() const { return V::load(p); }
  THALWEG_INLINE V get() const { return V::load(p); }
  THALWEG_INLINE void operator=(V v) const { v.store(p); }
  THALWEG_INLINE void set(V::MaskType m, V v) const { select(m, v, get()).store(p); }
  THALWEG_INLINE V::MaskType on() const { return get() > V(0.0); }
  // The first lane's number, if it is the same in all.
  std::int64_t number() const { return static_cast<std::int64_t>(*p); }

  friend THALWEG_INLINE V operator+(Scalar a, Scalar b) { return a.get() + b.get(); }
  friend THALWEG_INLINE V operator-(Scalar a, Scalar b) { return a.get() - b.get(); }
  friend THALWEG_INLINE V operator*(Scalar a, Scalar b) { return a.get() * b.get(); }
  friend THALWEG_INLINE V operator/(Scalar a, Scalar b) { return a.get() / b.get(); }
  friend THALWEG_INLINE V::MaskType operator<(Scalar a, Scalar b) { return a.get() < b.get(); }
  friend THALWEG_INLINE V::MaskType operator<=(Scalar a, Scalar b) { return a.get() <= b.get(); }
  friend THALWEG_INLINE V operator-(Scalar a) { return -a.get(); }
  friend THALWEG_INLINE V abs(Scalar a) { return abs(a.get()); }
};

// Allocates a solver's memory in the order of its requests. The same pass counts the memory and, if
// `Carries`, copies one lane's numbers to or from a plain array.
template <class Space, bool Lanes, bool Carries> class Keeper {
 public:
  using B = Space;
  using Scalar = THALWEG_ISA::Scalar;
  Keeper(const B& space, double* memory) : space_(space), memory_(memory) {}
  Keeper(const B& space, double* memory, std::int64_t lane, double* flat, bool save)
      : space_(space), memory_(memory), lane_(lane), flat_(flat), save_(save) {}

  THALWEG_INLINE Scalar scalar() {
    double* p = take(W);
    if (Carries && flat_ && !save_ && !Lanes) std::fill_n(p, W, *flat_);
    carry(p, 1, W);
    return {p};
  }
  THALWEG_INLINE typename B::Vector vector() {
    double* p = take(space_.room);
    carry(p, space_.n, Lanes ? W : 1);
    return typename B::Vector(p);
  }
  THALWEG_INLINE typename B::Matrix matrix() {
    double* p = take(space_.n * space_.room);
    for (std::int64_t i = 0; i < space_.n; ++i) carry(p + i * space_.room, space_.n, Lanes ? W : 1);
    return {p, space_.room, W};
  }
  // `count` records of so many numbers per lane, then vectors; each is found when it is used.
  struct Records {
    double* p;
    std::int64_t size, scalars, room;
    THALWEG_INLINE Scalar scalar(std::int64_t i, std::int64_t k) const {
      return {p + i * size + k * W};
    }
    THALWEG_INLINE typename B::Vector vector(std::int64_t i, std::int64_t k) const {
      return typename B::Vector(p + i * size + scalars * W + k * room);
    }
  };
  THALWEG_INLINE Records records(std::int64_t count, std::int64_t scalars, std::int64_t vectors) {
    const std::int64_t room = space_.room, size = scalars * W + vectors * room;
    const Records all{memory_ + taken_, size, scalars, room};
    if constexpr (Carries)
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t k = 0; k < scalars; ++k) scalar();
        for (std::int64_t k = 0; k < vectors; ++k) vector();
      }
    else take(count * size);
    return all;
  }
  // Memory that is no part of a lane's state: it stays from call to call, as Newton's Hessian does
  // when a step is rejected, but a lane that is resumed finds nothing of its own in it.
  typename B::Vector scratch() { return typename B::Vector(take(space_.room)); }
  typename B::Matrix scratch_matrix() { return {take(space_.n * space_.room), space_.room, W}; }
  std::int64_t taken() const { return taken_; }
  std::int64_t carried() const { return carried_; }

 private:
  THALWEG_INLINE double* take(std::int64_t doubles) {
    return memory_ + std::exchange(taken_, taken_ + doubles);
  }
  void carry(double* p, std::int64_t count, std::int64_t step) {
    if constexpr (!Carries) return;
    carried_ += count;
    if (!flat_) return;
    if (step == 1) {  // for one lane, a matrix may be large
      std::memcpy(save_ ? flat_ : p, save_ ? p : flat_,
                  static_cast<std::size_t>(count) * sizeof *p);
      flat_ += count;
      return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      double& here = p[i * step + lane_];
      (save_ ? *flat_ : here) = save_ ? here : *flat_;
      ++flat_;
    }
  }
  const B& space_;
  double* memory_;
  std::int64_t taken_ = 0, carried_ = 0, lane_ = 0;
  double* flat_ = nullptr;
  bool save_ = false;
};
