// SPDX-License-Identifier: BSD-3-Clause
// References NumPy's arrays for the core: keeps them alive and finds their numeric type.
#include "bind.hpp"

using namespace thalweg;

namespace {

template <class... Ts> ReadNumbers reader_among(const py::dtype& type) {
  ReadNumbers read = nullptr;
  const auto is = [&](auto kind) {
    using T = decltype(kind);
    const char wanted = std::is_integral_v<T> ? std::is_signed_v<T> ? 'i' : 'u' : 'f';
    return type.itemsize() == sizeof(T) && type.kind() == wanted;
  };
  ((is(Ts{}) ? void(read = &read_numbers<Ts>) : void()), ...);
  return read;
}

bool is_doubles_in_order(const py::array& a) {
  constexpr int kAligned = 0x0100;  // NPY_ARRAY_ALIGNED
  return py::isinstance<Array>(a) && (a.flags() & kAligned) != 0;
}

}  // namespace

std::shared_ptr<const void> keep_alive(py::object object) {
  return {object.release().ptr(), [](void* p) {
            if (!Py_IsInitialized()) return;
            const py::gil_scoped_acquire gil;
            py::handle(static_cast<PyObject*>(p)).dec_ref();
          }};
}

Shape shape_of(const py::array& a) { return {a.shape(), a.shape() + a.ndim()}; }

ReadNumbers reader_of(const py::dtype& type) {
  if (type.byteorder() != '=' && type.byteorder() != '|') return nullptr;
  if (type.kind() == 'b') return &read_numbers<std::uint8_t>;
  return reader_among<double, float, Half, std::int64_t, std::int32_t, std::int16_t, std::int8_t,
                      std::uint64_t, std::uint32_t, std::uint16_t, std::uint8_t>(type);
}

DataArray data_array(const py::object& given) {
  const auto a = py::isinstance<py::array>(given) ? py::reinterpret_borrow<py::array>(given)
                                                  : py::array(Array(given));
  const ReadNumbers read = reader_of(a.dtype());
  if (!is_doubles_in_order(a) && read && a.size() > 0 && a.ndim() > 0) {
    const Shape shape = shape_of(a), strides{a.strides(), a.strides() + a.ndim()};
    const auto* first = static_cast<const std::byte*>(a.data());
    return {keep_alive(a), nullptr, shape, std::make_shared<Numbers>(first, read, shape, strides)};
  }
  const Array doubles(a);
  return {keep_alive(doubles), doubles.data(), shape_of(doubles)};
}
