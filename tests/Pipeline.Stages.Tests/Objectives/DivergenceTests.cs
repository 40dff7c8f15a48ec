using System.Text.Json;
using CsCheck;
using Pipeline.Stages.Objectives;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class DivergenceTests(ITestOutputHelper output) : TorchTest
{
    private static readonly DivergenceKind[] Kinds = Enum.GetValues<DivergenceKind>();

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float32)]
    public void Values_and_derivatives_are_the_references(ScalarType dtype)
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        JsonElement golden = GoldenFolder.Json("losses/diff_functions.json");
        double[] truth = golden.GetProperty("log_y_true").Numbers(), predicted = golden.GetProperty("log_y_pred").Numbers();
        int functions = 0;
        foreach (JsonElement function in golden.GetProperty("functions").EnumerateArray())
        {
            string name = function.GetProperty("alm_diff_fn").GetString()!;
            double temperature = function.GetProperty("binarization_temp") is { ValueKind: JsonValueKind.Number } t ? t.GetDouble() : 1;
            double alpha = function.GetProperty("renyi_alpha") is { ValueKind: JsonValueKind.Number } a ? a.GetDouble() : 0.5;
            (double[] values, double[] derivatives) = Evaluate(Kind(name), truth, predicted, temperature, alpha, dtype);
            double[] expected = function.GetProperty("value_f64").Numbers(), slopes = function.GetProperty("grad_log_y_pred_f64").Numbers();
            double tolerance = dtype == ScalarType.Float64 ? 1e-9 : name == "renyi" ? 3e-4 : 1e-5;
            for (int i = 0; i < expected.Length; i++)
            {
                AssertClose(expected[i], values[i], tolerance, $"{name} T={temperature} value {i}");
                AssertClose(slopes[i], derivatives[i], dtype == ScalarType.Float32 && name == "renyi" ? 3e-2 : tolerance * 10, $"{name} T={temperature} slope {i}");
            }
            functions++;
        }
        Assert.Equal(17, functions);
    }

    [Fact]
    public void Each_kind_equals_its_equation_in_plain_numbers()
    {
        Gen.Select(Gen.Double[-30, -1e-3], Gen.Double[-30, -1e-3], Gen.Double[0.5, 50], Gen.OneOf(Gen.Const(0.3), Gen.Const(0.5), Gen.Const(1.0), Gen.Const(2.0))).Sample((t, s, temperature, alpha) =>
        {
            foreach (DivergenceKind kind in Kinds)
            {
                (double[] values, _) = Evaluate(kind, [t], [s], temperature, alpha, ScalarType.Float64);
                AssertClose(Plain(kind, t, s, temperature, alpha), values[0], 1e-6, $"{kind} t={t} s={s} τ={temperature} α={alpha}");
            }
        }, iter: 200);
    }

    [Fact]
    public void Derivatives_equal_central_differences()
    {
        Gen.Select(Gen.Double[-20, -0.1], Gen.Double[-20, -0.1], Gen.Double[1, 20]).Sample((t, s, temperature) =>
        {
            if (Math.Abs(t - s) < 1e-3)
                return;
            foreach (DivergenceKind kind in Kinds)
            {
                const double H = 1e-5;
                (_, double[] derivative) = Evaluate(kind, [t], [s], temperature, 0.5, ScalarType.Float64);
                double difference = (Plain(kind, t, s + H, temperature, 0.5) - Plain(kind, t, s - H, temperature, 0.5)) / (2 * H);
                AssertClose(difference, derivative[0], 1e-4, $"{kind} t={t} s={s} τ={temperature}");
            }
        }, iter: 100);
    }

    [Fact]
    public void Gradients_are_finite_at_the_extremes_in_float32()
    {
        double[] extremes = [0, -1e-30, -1e-7, -1e-6, -0.5, -Math.Log(2), -1, -50, -100, -1000, -65504];
        foreach (DivergenceKind kind in Kinds)
        {
            foreach (double temperature in new[] { 0.1, 1, 5, 100 })
            {
                double[] t = [.. extremes.SelectMany(x => extremes.Select(_ => x))], s = [.. extremes.SelectMany(_ => extremes)];
                (double[] values, double[] derivatives) = Evaluate(kind, t, s, temperature, 0.5, ScalarType.Float32);
                for (int i = 0; i < t.Length; i++)
                    Assert.True(double.IsFinite(values[i]) && double.IsFinite(derivatives[i]), $"{kind} τ={temperature} t={t[i]} s={s[i]}: {values[i]}, {derivatives[i]}");
            }
        }
    }

    internal static DivergenceKind Kind(string name) => Enum.Parse<DivergenceKind>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);

    internal static void AssertClose(double expected, double actual, double tolerance, string what)
        => Assert.True(Math.Abs(expected - actual) <= tolerance * Math.Max(1, Math.Abs(expected)), $"{what}: {actual}, expected {expected}");

    private static (double[] Values, double[] Derivatives) Evaluate(DivergenceKind kind, double[] t, double[] s, double temperature, double alpha, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Tensor student = tensor(s, dtype: dtype).requires_grad_();
        Tensor values = Divergence.Of(kind, tensor(t, dtype: dtype), student, temperature, alpha);
        values.sum().backward();
        return (values.to_type(ScalarType.Float64).cpu().data<double>().ToArray(), student.grad!.to_type(ScalarType.Float64).cpu().data<double>().ToArray());
    }

    // The obvious form, with probabilities instead of logarithms.
    internal static double Plain(DivergenceKind kind, double t, double s, double temperature, double alpha)
    {
        const double E = Divergence.Epsilon;
        double a = Math.Exp(t / temperature - E), b = Math.Exp(s / temperature - E), r = (t - s) / temperature;
        double a1 = Math.Exp(t - E), b1 = Math.Exp(s - E);
        return kind switch
        {
            DivergenceKind.BinaryCe => -(a * Math.Log(b) + (1 - a) * Math.Log(1 - b)),
            DivergenceKind.ReverseBinaryKl => b * Math.Log(b / a) + (1 - b) * Math.Log((1 - b) / (1 - a)),
            DivergenceKind.BinaryKlTempLimit => t - s + (t - E) * Math.Log((s - E) / (t - E)),
            DivergenceKind.Abs => Math.Abs(t - s),
            DivergenceKind.AbsExp => Math.Abs(a - b),
            DivergenceKind.Renyi when alpha == 1 => a1 * Math.Log(a1 / b1) + (1 - a1) * Math.Log((1 - a1) / (1 - b1)),
            DivergenceKind.Renyi => Math.Log(Math.Pow(a1, alpha) * Math.Pow(b1, 1 - alpha) + Math.Pow(1 - a1, alpha) * Math.Pow(1 - b1, 1 - alpha)) / (alpha - 1),
            DivergenceKind.JoschuK2 => r * r / 2,
            DivergenceKind.JoschuK3 => Math.Exp(r) - 1 - r,
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }
}
