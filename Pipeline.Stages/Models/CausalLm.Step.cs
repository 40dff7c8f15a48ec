using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <content>A step of one position in each of a few rows, on the processor in float32.</content>
public sealed unsafe partial class CausalLm
{
    // Values in all rows from which on torch's products, which take the rows together, are as fast.
    private const int MostStepped = 8192;

    private StepPass? _step;

    /// <summary>Whether <see cref="Step"/> supports this model, and is the faster way for so many rows.</summary>
    internal bool CanStep(int batch)
        => Device.type == DeviceType.CPU && ComputeType == ScalarType.Float32 && (batch == 1 || (long)batch * Config.HiddenSize <= MostStepped) && _layers.TrueForAll(layer => layer.CanStep);

    /// <summary>
    /// Logits [B, rows] of one position behind the cached ones, as layers, final norm and head give them to within float32's rounding; its keys and values go into the cache.
    /// </summary>
    /// <param name="x_B1H">What goes into the first layer.</param>
    /// <param name="padding">Cached positions in front of each of the B rows that are none of its own.</param>
    /// <param name="cache">Keys and values of the positions before.</param>
    /// <param name="rows">Of the head, from the first on.</param>
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
