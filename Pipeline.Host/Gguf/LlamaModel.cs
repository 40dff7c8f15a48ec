using System.Numerics.Tensors;
using System.Text;
using LLama.Native;
using Pipeline.Stages.Teacher.Gguf;

namespace Pipeline.Host.Gguf;

/// <summary>
/// A model in llama.cpp. It is set up so that the numbers of a row, which is one sequence of tokens, depend on nothing but the row: keys and values are in
/// float32, there is no flash attention (which rounds them to float16), weights are not repacked (their sums would depend on the row's neighbours), and one
/// row is computed at a time. Not thread-safe.
/// </summary>
internal sealed class LlamaModel : IDisposable
{
    private readonly SafeLlamaModelHandle _model;
    private readonly LLamaBatch _batch = new();
    private readonly int _threads;
    private readonly int _chunk;
    private SafeLLamaContextHandle? _context;
    private uint _contextTokens;
    private bool[] _boundary = [];
    private float[] _scratch = [];

    /// <summary>The ids whose keys and values are in the context.</summary>
    private int[] _held = [];

    /// <summary>Opens a GGUF file on the CPU.</summary>
    /// <param name="path">The path of the file, which is mapped into memory.</param>
    /// <param name="threads">How many threads compute.</param>
    /// <param name="chunkTokens">How many tokens of a row are computed together.</param>
    /// <param name="vocabularyOnly">Whether only the tokenizer is needed.</param>
    /// <exception cref="LLama.Exceptions.RuntimeError">llama.cpp refuses the file. It gives the reason only in its log (<see cref="LlamaLog"/>).</exception>
    public LlamaModel(string path, int threads, int chunkTokens, bool vocabularyOnly)
    {
        (_threads, _chunk) = (threads, chunkTokens);
        LLamaModelParams parameters = LLamaModelParams.Default();
        parameters.vocab_only = vocabularyOnly;
        parameters.n_gpu_layers = 0;
        parameters.use_extra_bufts = false;
        parameters.load_mode = LLamaLoadMode.MemoryMap;
        _model = SafeLlamaModelHandle.LoadFromFile(path, parameters);
    }

    /// <summary>V, the number of tokens.</summary>
    public int Vocabulary => _model.Vocab.Count;

    /// <summary>The bytes that a token stands for; for a special token, the text of its name.</summary>
    public byte[] Bytes(int id)
    {
        Span<byte> small = stackalloc byte[64];
        uint length = _model.TokenToSpan(id, small, 0, special: true);
        if (length <= small.Length)
            return small[..(int)length].ToArray();
        var large = new byte[length];
        _model.TokenToSpan(id, large, 0, special: true);
        return large;
    }

    public int[] Tokenize(string text, bool addSpecial, bool parseSpecial)
        => Array.ConvertAll(_model.Tokenize(text, addSpecial, parseSpecial, Encoding.UTF8), token => (int)token);

    /// <summary>The ids of the tokens that end a text.</summary>
    public int[] Ends() => [.. Enumerable.Range(0, Vocabulary).Where(id => ((LLamaToken)id).IsEndOfGeneration(_model.Vocab))];

    /// <summary>Says which tokens are boundary tokens. Must be called before <see cref="Score"/>.</summary>
    /// <param name="boundary">[rows of the vocabulary that belong to a token] whether the token is one. Further rows get no probability.</param>
    /// <exception cref="InvalidDataException">There are more tokens than the model has.</exception>
    public void SetBoundary(bool[] boundary)
    {
        if (boundary.Length > Vocabulary)
            throw new InvalidDataException($"a tokenizer of {boundary.Length} tokens for a model of {Vocabulary}");
        _boundary = boundary;
        _scratch = new float[boundary.Length];
    }

    /// <summary>Scores a row, in natural logarithms.</summary>
    /// <param name="ids">[N] the tokens of the row.</param>
    /// <param name="weights">Gets, after each token in turn, numbers that are proportional to the probabilities of the next token. May be null.</param>
    /// <returns>[N] the log-likelihood of each token, which is 0 for the first, and [N] the log boundary mass after each.</returns>
    public (float[] LogLikelihood, float[] LogBoundary) Score(int[] ids, Action<ReadOnlySpan<float>>? weights)
    {
        float[] likelihood = new float[ids.Length], boundary = new float[ids.Length];
        Decode(ids, (position, logits) =>
        {
            ReadOnlySpan<float> row = logits[.._boundary.Length];
            float most = TensorPrimitives.Max(row);
            TensorPrimitives.Subtract(row, most, _scratch);
            TensorPrimitives.Exp<float>(_scratch, _scratch);
            weights?.Invoke(_scratch);
            double all = 0, mass = 0;
            for (int id = 0; id < _scratch.Length; id++)
            {
                all += _scratch[id];
                if (_boundary[id])
                    mass += _scratch[id];
            }
            double log = Math.Log(all);
            boundary[position] = (float)(Math.Log(mass) - log);
            if (position + 1 < ids.Length)
                likelihood[position + 1] = (float)(row[ids[position + 1]] - most - log);
        });
        return (likelihood, boundary);
    }

    /// <summary>[N, V] the logits after each token of a row.</summary>
    public float[] Logits(int[] ids)
    {
        var all = new float[checked(ids.Length * Vocabulary)];
        Decode(ids, (position, logits) => logits.CopyTo(all.AsSpan(position * Vocabulary)));
        return all;
    }

    /// <summary>
    /// [V] the logits after the last token of a row. If the row continues that of the previous call, and <paramref name="goesOn"/> allows it, only the new
    /// tokens are computed. The last digits may then differ from those of a row that is computed whole, so this is for generating text and not for scores.
    /// </summary>
    public float[] NextLogits(int[] ids, bool goesOn)
    {
        var last = new float[Vocabulary];
        Decode(ids, (position, logits) =>
        {
            if (position == ids.Length - 1)
                logits.CopyTo(last);
        }, goesOn);
        return last;
    }

    public void Dispose()
    {
        _context?.Dispose();
        _model.Dispose();
    }

    private delegate void RowLogits(int position, ReadOnlySpan<float> logits);

    // Works in chunks, so that only the logits of one chunk are in memory, and not those of the whole row.
    private void Decode(int[] ids, RowLogits take, bool goesOn = false)
    {
        int vocabulary = Vocabulary;
        if (ids.Length == 0 || ids.Any(id => (uint)id >= (uint)vocabulary))
            throw new InvalidDataException($"{ids.Length} ids, expected at least one and each from 0 to {vocabulary - 1}");
        SafeLLamaContextHandle context = Context(ids.Length);
        int held = goesOn && _held.Length < ids.Length && ids.AsSpan().StartsWith(_held) ? _held.Length : 0;
        if (held == 0)
            context.MemoryClear(false);
        _held = [];
        for (int start = held, count; start < ids.Length; start += count)
        {
            // A last token by itself would be computed by another kernel, which sums in another order. It is therefore added to the chunk before it.
            int left = ids.Length - start;
            count = left <= _chunk + 1 ? left : _chunk;
            _batch.Clear();
            for (int i = start; i < start + count; i++)
                _batch.Add(ids[i], i, (LLamaSeqId)0, logits: true);
            DecodeResult result = context.Decode(_batch);
            if (result != DecodeResult.Ok)
                throw new InvalidDataException($"llama_decode of {count} ids from {start} on: {result}");
            ReadOnlySpan<float> logits = context.GetLogits(count);
            for (int i = 0; i < count; i++)
                take(start + i, logits.Slice(i * vocabulary, vocabulary));
        }
        _held = ids;
    }

    private SafeLLamaContextHandle Context(int tokens)
    {
        uint needed = GgufMemory.ContextTokens(tokens);
        if (_context is not null && needed == _contextTokens)
            return _context;
        _context?.Dispose();
        _held = [];
        LLamaContextParams parameters = LLamaContextParams.Default();
        parameters.n_ctx = needed;
        parameters.n_batch = parameters.n_ubatch = (uint)_chunk + 1;
        parameters.n_seq_max = 1;
        parameters.n_threads = parameters.n_threads_batch = _threads;
        parameters.type_k = parameters.type_v = GGMLType.GGML_TYPE_F32;
        parameters.llama_flash_attn_type = LLamaFlashAttentionType.LLAMA_FLASH_ATTENTION_TYPE_DISABLED;
        parameters.kv_unified = false;
        parameters.swa_full = false;
        parameters.no_perf = true;
        _context = SafeLLamaContextHandle.Create(_model, parameters);
        _contextTokens = needed;
        return _context;
    }
}
