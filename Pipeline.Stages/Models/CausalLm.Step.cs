using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <content>A decoding step: one position in each of a few rows, on the CPU in float32.</content>
public sealed unsafe partial class CausalLm
{
    // With more values than this in all rows together, torch's products, which take the rows together, are as fast.
    private const int MostStepped = 8192;

    private StepPass? _step;

    /// <summary>Whether <see cref="Step"/> supports this model, and is the faster way for this number of rows.</summary>
    internal bool CanStep(int batch)
        => Device.type == DeviceType.CPU && ComputeType == ScalarType.Float32 && (batch == 1 || (long)batch * Config.HiddenSize <= MostStepped) && _layers.TrueForAll(layer => layer.CanStep);

    /// <summary>
    /// Computes the position after the cached ones in each of B rows. The logits [B, rows] are those of layers, final norm and head, up to the rounding
    /// of float32. The new keys and values are added to the cache.
    /// </summary>
    /// <param name="x_B1H">The input of the first layer.</param>
    /// <param name="padding">For each of the B rows, how many of the cached positions are padding in front of it.</param>
    /// <param name="cache">The keys and values of the earlier positions.</param>
    /// <param name="rows">How many rows of the head are used, from the first on.</param>
    /// <exception cref="Contracts.Errors.InputException">The text is longer than <see cref="Positions"/> allows.</exception>
    internal Tensor Step(Tensor x_B1H, IReadOnlyList<int> padding, KeyValueCache cache, int rows)
    {
        Positions?.Check(cache.Length + 1);
        StepPass pass = _step ??= new StepPass(Config, get_num_threads());
        pass.Begin(x_B1H, padding, cache);
        foreach (DecoderLayer layer in _layers)
            layer.Step(pass);
        _finalNorm.Step(pass.X, pass.X, pass.Batch);
        Tensor logits = empty([pass.Batch, rows], dtype: ScalarType.Float32);
        var into = (float*)TensorAddress.Of(logits);
        pass.Product(pass.X, Head.Values, null, into, Config.HiddenSize, rows);
        if (Config.FinalSoftcap is { } softcap)
        {
            for (long i = 0; i < (long)pass.Batch * rows; i++)
                into[i] = (float)softcap * MathF.Tanh(into[i] / (float)softcap);
        }
        return logits;
    }
}
