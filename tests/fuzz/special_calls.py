# SPDX-License-Identifier: BSD-3-Clause
"""Calls of scipy.special whose arguments must lie in a domain, for random programs."""


def of_special_functions() -> dict[str, list[str]]:
    """Return templates as in calls.py, by the name of the function."""
    return {
        **{
            f"special.{name}": [f"special.{name}({{a}} ** 2 + 0.3, np.abs({{b}}) + 0.2)"]
            for name in ("gammainc", "gammaincc", "beta", "betaln", "chdtr", "chdtrc")
        },
        **{
            f"special.{name}": [f"special.{name}({{a}} ** 2 + 0.3, special.expit({{b}}))"]
            for name in ("gammaincinv", "gammainccinv")
        },
        **{
            f"special.{name}": [f"special.{name}({order}, {argument})" for order in (0, 1, 2)]
            for name, argument in (
                ("jv", "{a}"),
                ("iv", "{a}"),
                ("ive", "{a}"),
                ("yv", "np.abs({a}) + 0.4"),
                ("yn", "{a} ** 2 + 0.4"),
                ("kv", "{a} ** 2 + 0.4"),
                ("kn", "np.abs({a}) + 0.4"),
                ("kve", "np.abs({a}) + 0.4"),
            )
        },
        **{
            f"special.{name}": [
                f"special.{name}(np.abs({{a}}) + 0.4)",
                f"special.{name}({{a}} ** 2 + 0.1)",
            ]
            for name in ("gamma", "loggamma", "y0", "y1", "k0", "k1", "k0e", "k1e")
        },
        **{
            f"special.{name}": [f"special.{name}(special.expit({{a}}))"]
            for name in ("erfinv", "erfcinv", "ndtri")
        },
        **{
            f"special.{name}": [f"special.{name}(1.3, np.abs({{a}}) + 0.6, {argument})"]
            for name, argument in (
                ("betainc", "special.expit({b})"),
                ("betaincc", "special.expit({b})"),
                ("betaincinv", "special.expit({b})"),
                ("fdtr", "{b} ** 2 + 0.1"),
                ("fdtrc", "{b} ** 2 + 0.1"),
                ("gdtr", "{b} ** 2 + 0.1"),
                ("gdtrc", "{b} ** 2 + 0.1"),
            )
        },
        "special.stdtr": ["special.stdtr({a} ** 2 + 1.5, {b})"],
        "special.stdtrit": ["special.stdtrit({a} ** 2 + 1.5, special.expit({b}))"],
        "special.binom": ["special.binom(4.0, special.expit({a}) * 4)"],
        "special.bdtr": ["special.bdtr(2, 5, special.expit({a}))"],
        "special.bdtrc": ["special.bdtrc(2, 5, special.expit({a}))"],
        "special.nbdtr": ["special.nbdtr(2, 5, special.expit({a}))"],
        "special.nbdtrc": ["special.nbdtrc(2, 5, special.expit({a}))"],
        "special.boxcox1p": ["special.boxcox1p({a} ** 2 + 0.1, {b})"],
        "special.inv_boxcox1p": ["special.inv_boxcox1p({a} ** 2, np.abs({b}) + 0.1)"],
        "special.pdtr": ["special.pdtr(3, {a} ** 2 + 0.5)"],
        "special.pdtrc": ["special.pdtrc(3, {a} ** 2 + 0.5)"],
        "special.expn": ["special.expn(2, {a} ** 2 + 0.3)", "special.expn(1, np.abs({a}) + 0.3)"],
        "special.eval_legendre": ["special.eval_legendre(3, {a})", "special.eval_legendre(2, {a})"],
        "special.sici": ["special.sici({a} ** 2 + 0.4)[0]", "special.sici({a} ** 2 + 0.4)[1]"],
        "special.zetac": ["special.zetac({a} ** 2 + 1.5)"],
        "special.exp1": ["special.exp1({a} ** 2 + 0.3)"],
        "special.expi": ["special.expi({a} ** 2 + 0.8)"],
        "special.rgamma": ["special.rgamma({a} ** 2 + 0.3)"],
        "special.wofz": ["np.abs(special.wofz({a} + 1j * {b}))", "np.imag(special.wofz({a}))"],
    }
