using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using LLama.Native;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Gguf;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// One side of <c>generate</c> in a process of its own. <c>prompt B N M</c> begins B rows of N tokens, to which M will come, and computes what comes first;
/// <c>ids M 1,2;3,4</c> does it with rows that are given; <c>new N</c> goes on with the most likely tokens, N in each row, whatever they are. Answers seconds,
/// processor seconds, and a sum by which the sides' tokens are compared.
/// </summary>
internal static class GenerateWorker
{
    private interface ISide : IDisposable
    {
        void Prompt(int[][] rows, int longest);

        /// <returns>The most likely token behind each row, by what was computed last.</returns>
        int[] Chosen();

        void Add(int[] ids);
    }

    /// <param name="side">ours, llama, or llama-float32.</param>
    /// <param name="model">A folder, or a GGUF file.</param>
    /// <param name="threads">Of the maths.</param>
    public static int Serve(string side, string model, int threads)
    {
        using ISide works = side == "ours" ? Torch(model, threads) : new LlamaSide(model, threads, side == "llama-float32");
        int[] chosen = [];
        while (Console.ReadLine() is { } line)
        {
            string[] words = line.Split(' ');
            int Number(int at) => int.Parse(words[at], CultureInfo.InvariantCulture);
            long sum = 0;
            int[][] Drawn(Random random) => [.. Enumerable.Range(0, Number(1)).Select(_ => Enumerable.Range(0, Number(2)).Select(_ => random.Next(256)).ToArray())];
            int[][] rows = words[0] switch
            {
                "prompt" => Drawn(new Random(Number(2))),
                "ids" => [.. words[2].Split(';').Select(row => Array.ConvertAll(row.Split(','), id => int.Parse(id, CultureInfo.InvariantCulture)))],
                _ => [],
            };
            (double wall, double processor) = rows.Length > 0
                ? ModelsWork.Once(() =>
                {
                    works.Prompt(rows, rows.Max(row => row.Length) + (words[0] == "ids" ? Number(1) : Number(3)));
                    chosen = works.Chosen();
                })
                : ModelsWork.Once(() =>
                {
                    for (int i = 0; i < Number(1); i++)
                    {
                        works.Add(chosen);
                        chosen = works.Chosen();
                        sum = (sum * 31) + chosen.Sum();
                    }
                });
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{wall:R} {processor:R} {sum % 1_000_003}"));
        }
        return 0;
    }

    // Compiled after torch is loaded.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TorchSide Torch(string model, int threads)
    {
        TorchLoader.Load();
        return new TorchSide(model, threads);
    }

    private sealed class TorchSide : ISide
    {
        private readonly CausalLm _model;
        private DecodingBatch? _batch;

        public TorchSide(string folder, int threads)
        {
            set_num_threads(threads);
            _model = CausalLm.Load(folder, new DiskStorage(), CPU, ScalarType.Float32);
        }

        public void Prompt(int[][] rows, int longest)
        {
            _batch?.Dispose();
            _batch = new DecodingBatch([new DecodingMember(_model)]);
            _batch.Add(rows);
        }

        public int[] Chosen() => [.. _batch!.Next().Select(logits => TensorPrimitives.IndexOfMax<float>(logits))];

        public void Add(int[] ids)
        {
            for (int row = 0; row < ids.Length; row++)
                _batch!.Append(row, ids[row]);
        }

        public void Dispose()
        {
            _batch?.Dispose();
            _model.Dispose();
        }
    }

    // With keys and values of float32 no flash attention: the faster way to new tokens here; its defaults (float16, flash attention) are the faster way through a prompt.
    private sealed class LlamaSide : ISide
    {
        private readonly SafeLlamaModelHandle _model;
        private readonly LLamaBatch _batch = new();
        private readonly int _threads;
        private readonly bool _isFloat;
        private SafeLLamaContextHandle? _context;
        private int _rows, _length;
        private int[] _last = [];

        public LlamaSide(string file, int threads, bool isFloat)
        {
            GgufWorkers.Load();
            (_threads, _isFloat) = (threads, isFloat);
            LLamaModelParams parameters = LLamaModelParams.Default();
            parameters.n_gpu_layers = 0;
            _model = SafeLlamaModelHandle.LoadFromFile(file, parameters);
        }

        public void Prompt(int[][] rows, int longest)
        {
            LLamaContextParams parameters = LLamaContextParams.Default();
            parameters.n_ctx = (uint)(rows.Length * longest);
            parameters.n_batch = parameters.n_ctx;
            parameters.n_seq_max = (uint)rows.Length;
            parameters.n_threads = parameters.n_threads_batch = _threads;
            if (_isFloat)
            {
                parameters.type_k = parameters.type_v = GGMLType.GGML_TYPE_F32;
                parameters.llama_flash_attn_type = LLamaFlashAttentionType.LLAMA_FLASH_ATTENTION_TYPE_DISABLED;
            }
            parameters.no_perf = true;
            _context?.Dispose();
            _context = SafeLLamaContextHandle.Create(_model, parameters);
            (_rows, _length) = (rows.Length, rows[0].Length);
            _batch.Clear();
            _last = new int[rows.Length];
            for (int row = 0; row < rows.Length; row++)
            {
                for (int i = 0; i < _length; i++)
                    _last[row] = _batch.Add(rows[row][i], i, (LLamaSeqId)row, logits: i == _length - 1);
            }
            Decode();
        }

        public int[] Chosen() => [.. _last.Select(at => TensorPrimitives.IndexOfMax<float>(_context!.GetLogitsIth(at)))];

        public void Add(int[] ids)
        {
            _batch.Clear();
            for (int row = 0; row < _rows; row++)
                _last[row] = _batch.Add(ids[row], _length, (LLamaSeqId)row, logits: true);
            _length++;
            Decode();
        }

        public void Dispose()
        {
            _context?.Dispose();
            _model.Dispose();
        }

        private void Decode()
        {
            DecodeResult result = _context!.Decode(_batch);
            if (result != DecodeResult.Ok)
                throw new InvalidOperationException($"llama_decode: {result}");
        }
    }
}
