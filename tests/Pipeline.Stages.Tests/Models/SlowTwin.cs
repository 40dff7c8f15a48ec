using System.Text.Json;

namespace Pipeline.Stages.Tests.Models;

/// <summary>
/// The forward pass of one sequence, written out in loops over doubles from the rules of the golden page, with its own reading of the
/// config and of the tensors as they lie in a file: slow, and plain to see.
/// </summary>
internal sealed class SlowTwin(string json, IReadOnlyDictionary<string, double[]> weights)
{
    private readonly JsonElement _config = Text(JsonDocument.Parse(json).RootElement);
    private int _length;

    private string Type => _config.GetProperty("model_type").GetString()!;

    private bool Gelu => Gemma || (_config.TryGetProperty("hidden_act", out JsonElement act) && act.GetString() == "gelu_pytorch_tanh");

    private bool Gemma => Type.StartsWith("gemma", StringComparison.Ordinal);

    private int Hidden => Int("hidden_size", 0);

    private int Heads => Int("num_attention_heads", 0);

    private int Groups => Int("num_key_value_heads", 0);

    private int Width => Int("head_dim", Hidden / Heads);

    private int Rotated => (int)(Width * Number("partial_rotary_factor", 1));

    /// <summary>Hidden states: after the embedding, each layer, and last the final norm; and the logits.</summary>
    public (List<double[][]> Hidden, double[][] Logits) Run(int[] ids, int[] mask, int[] positions)
    {
        int layers = Int("num_hidden_layers", 0), length = ids.Length;
        _length = positions.Max() + 1;
        double[] table = weights["model.embed_tokens.weight"];
        double[][] x = [.. ids.Select(id => Row(table, id, Hidden).Select(value => Gemma ? value * Math.Sqrt(Hidden) : value).ToArray())];
        List<double[][]> states = [x];
        for (int i = 0; i < layers; i++)
        {
            x = Layer(i, x, mask, positions);
            states.Add(x);
        }

        x = [.. x.Select(row => Norm(row, "model.norm"))];
        states[^1] = x;
        double[] head = weights.TryGetValue("lm_head.weight", out double[]? own) ? own : table;
        double cap = Number("final_logit_softcapping", Type == "gemma2" ? 30 : 0);
        double[][] logits = new double[length][];
        for (int t = 0; t < length; t++)
            logits[t] = [.. Multiply(head, x[t]).Select(z => cap > 0 ? cap * Math.Tanh(z / cap) : z)];
        return (states, logits);
    }

    private static JsonElement Text(JsonElement root) => root.TryGetProperty("text_config", out JsonElement inner) ? inner : root;

    private static double[] Row(double[] matrix, int row, int width) => matrix[(row * width)..((row + 1) * width)];

    private static double[] Multiply(double[] matrix, double[] x)
    {
        double[] y = new double[matrix.Length / x.Length];
        for (int r = 0; r < y.Length; r++)
        {
            for (int c = 0; c < x.Length; c++)
                y[r] += matrix[r * x.Length + c] * x[c];
        }

        return y;
    }

    private double[][] Layer(int index, double[][] x, int[] mask, int[] positions)
    {
        string prefix = $"model.layers.{index}.";
        bool after = Type == "olmo2";
        double[][] h = after ? x : [.. x.Select(row => Norm(row, prefix + "input_layernorm"))];
        double[][] attended = Attend(index, prefix + "self_attn.", h, mask, positions);
        bool sandwich = Type is "gemma2" or "gemma3_text";
        double[][] result = new double[x.Length][];
        for (int t = 0; t < x.Length; t++)
        {
            double[] a = sandwich || after ? Norm(attended[t], prefix + "post_attention_layernorm") : attended[t];
            double[] y = [.. x[t].Zip(a, (p, q) => p + q)];
            double[] g = after ? y : Norm(y, prefix + (sandwich ? "pre_feedforward_layernorm" : "post_attention_layernorm"));
            double[] gate = Linear(prefix + "mlp.gate_proj", g), up = Linear(prefix + "mlp.up_proj", g);
            double[] f = Linear(prefix + "mlp.down_proj", [.. gate.Zip(up, (p, q) => Activate(p) * q)]);
            if (sandwich || after)
                f = Norm(f, prefix + "post_feedforward_layernorm");
            result[t] = [.. y.Zip(f, (p, q) => p + q)];
        }

        return result;
    }

    private double[][] Attend(int index, string prefix, double[][] h, int[] mask, int[] positions)
    {
        int length = h.Length, window = Window(index);
        double[][][] q = Split(prefix + "q_proj", prefix + "q_norm", h, Heads), k = Split(prefix + "k_proj", prefix + "k_norm", h, Groups), v = Split(prefix + "v_proj", null, h, Groups);
        for (int t = 0; t < length; t++)
        {
            foreach (double[] head in q[t].Concat(k[t]))
                Rotate(head, positions[t], IsSliding(index));
        }

        double scale = 1 / Math.Sqrt(Type is "gemma2" or "gemma3_text" ? Number("query_pre_attn_scalar", 256) : Width);
        double cap = Type == "gemma2" ? Number("attn_logit_softcapping", 50) : 0;
        double[][] result = new double[length][];
        for (int i = 0; i < length; i++)
        {
            double[] mixed = new double[Heads * Width];
            for (int head = 0; head < Heads; head++)
            {
                int group = head / (Heads / Groups);
                Dictionary<int, double> scores = [];
                for (int j = 0; j <= i; j++)
                {
                    if (mask[j] == 0 || i - j >= window)
                        continue;
                    double score = scale * q[i][head].Zip(k[j][group], (a, b) => a * b).Sum();
                    scores[j] = Math.Exp(cap > 0 ? cap * Math.Tanh(score / cap) : score);
                }

                double total = scores.Values.Sum();
                foreach ((int j, double score) in scores)
                {
                    for (int d = 0; d < Width; d++)
                        mixed[head * Width + d] += score / total * v[j][group][d];
                }
            }

            result[i] = Linear(prefix + "o_proj", mixed);
        }

        return result;
    }

    private double[][][] Split(string name, string? norm, double[][] h, int heads)
    {
        return [.. h.Select(row =>
        {
            double[] flat = Linear(name, row);
            if (Type == "olmo2" && norm is not null)
                flat = Norm(flat, norm);
            return Enumerable.Range(0, heads).Select(head => Row(flat, head, Width)).Select(part => Type != "olmo2" && norm is not null && weights.ContainsKey(norm + ".weight") ? Norm(part, norm) : part).ToArray();
        })];
    }

    private void Rotate(double[] head, int position, bool sliding)
    {
        bool local = Type == "gemma3_text" && sliding;
        double theta = local ? Number("rope_local_base_freq", 10_000) : Number("rope_theta", Type == "gemma3_text" ? 1_000_000 : 10_000);
        if (RopeType == "dynamic" && Number("max_position_embeddings", 0) is double most && _length > most)
            theta *= Math.Pow(Of("factor", 0) * _length / most - Of("factor", 0) + 1, Rotated / (Rotated - 2.0));
        int half = Rotated / 2;
        for (int n = 0; n < half; n++)
        {
            double frequency = Math.Pow(theta, -2.0 * n / Rotated);
            if (!local)
                frequency = Scaled(frequency, n);
            (double a, double b) = (head[n], head[n + half]);
            (double sin, double cos) = Math.SinCos(position * frequency);
            double grown = local ? 1 : RopeType == "yarn" ? YarnFactor : RopeType is "longrope" or "su" ? LongFactor : 1;
            (sin, cos) = (sin * grown, cos * grown);
            head[n] = a * cos - b * sin;
            head[n + half] = b * cos + a * sin;
        }
    }

    private JsonElement? Rope => _config.TryGetProperty("rope_scaling", out JsonElement scaling) && scaling.ValueKind == JsonValueKind.Object ? scaling : null;

    private string RopeType => Rope is not { } scaling ? "default" : (scaling.TryGetProperty("rope_type", out JsonElement type) ? type : scaling.GetProperty("type")).GetString()!;

    private double YarnFactor => Of("attention_factor", 0.1 * Math.Log(Of("factor", 0)) + 1);

    private double LongFactor => Math.Sqrt(1 + Math.Log(Number("max_position_embeddings", 0) / Number("original_max_position_embeddings", 0)) / Math.Log(Number("original_max_position_embeddings", 0)));

    private double Of(string key, double absent) => Rope!.Value.TryGetProperty(key, out JsonElement value) ? value.GetDouble() : absent;

    private double Scaled(double frequency, int n)
    {
        if (RopeType is "default" or "dynamic")
            return frequency;
        if (RopeType is "longrope" or "su")
            return frequency / Rope!.Value.GetProperty(_length > Number("original_max_position_embeddings", 0) ? "long_factor" : "short_factor")[n].GetDouble();
        double factor = Of("factor", 0), original = Of("original_max_position_embeddings", Number("max_position_embeddings", 0));
        if (RopeType == "linear")
            return frequency / factor;
        if (RopeType == "yarn")
        {
            // How often the dimension turns within the original context says where it is between the two bounds, in dimensions.
            double Place(double turns) => Width * Math.Log(original / turns / (2 * Math.PI)) / (2 * Math.Log(Number("rope_theta", 10_000)));
            double from = Math.Max(0, Math.Floor(Place(Of("beta_fast", 32)))), to = Math.Min(Width - 1, Math.Ceiling(Place(Of("beta_slow", 1))));
            double ramp = n <= from ? 0 : n >= to ? 1 : (n - from) / (to - from);
            return frequency * (1 - ramp) + frequency / factor * ramp;
        }

        double low = Of("low_freq_factor", 0), high = Of("high_freq_factor", 0);
        double wavelength = 2 * Math.PI / frequency;
        double s = (original / wavelength - low) / (high - low);
        return wavelength > original / low ? frequency / factor : wavelength < original / high ? frequency : (1 - s) * frequency / factor + s * frequency;
    }

    private bool IsSliding(int index) => _config.TryGetProperty("layer_types", out JsonElement types) ? types[index].GetString() == "sliding_attention" : Type switch
    {
        "mistral" => true,
        "phi3" => _config.TryGetProperty("sliding_window", out _),
        "qwen2" or "qwen3" => _config.TryGetProperty("use_sliding_window", out JsonElement use) && use.GetBoolean() && index >= Int("max_window_layers", 28),
        "gemma2" => index % 2 == 0,
        "gemma3_text" => (index + 1) % Int("sliding_window_pattern", 6) != 0,
        _ => false,
    };

    private int Window(int index) => IsSliding(index) ? Int("sliding_window", int.MaxValue) : int.MaxValue;

    private double Activate(double z) => Gelu ? 0.5 * z * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z))) : z / (1 + Math.Exp(-z));

    private double[] Norm(double[] x, string name)
    {
        double[] w = weights[name + ".weight"];
        double scale = 1 / Math.Sqrt(x.Average(value => value * value) + Number("rms_norm_eps", 0));
        return [.. x.Zip(w, (value, factor) => value * scale * (Gemma ? 1 + factor : factor))];
    }

    private double[] Linear(string name, double[] x)
    {
        string block = name[..(name.LastIndexOf('.') + 1)];
        int q = Heads * Width, kv = Groups * Width;
        switch (Type == "phi3" ? name[block.Length..] : "")
        {
            case "q_proj": return Multiply(weights[block + "qkv_proj.weight"], x)[..q];
            case "k_proj": return Multiply(weights[block + "qkv_proj.weight"], x)[q..(q + kv)];
            case "v_proj": return Multiply(weights[block + "qkv_proj.weight"], x)[(q + kv)..];
            case "gate_proj": return Multiply(weights[block + "gate_up_proj.weight"], x)[..Int("intermediate_size", 0)];
            case "up_proj": return Multiply(weights[block + "gate_up_proj.weight"], x)[Int("intermediate_size", 0)..];
        }

        double[] y = Multiply(weights[name + ".weight"], x);
        return weights.TryGetValue(name + ".bias", out double[]? bias) ? [.. y.Zip(bias, (a, b) => a + b)] : y;
    }

    private int Int(string key, int absent) => _config.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : absent;

    private double Number(string key, double absent) => !_config.TryGetProperty(key, out JsonElement value) ? absent : value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0;
}
