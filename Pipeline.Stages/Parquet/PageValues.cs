using System.Runtime.InteropServices;
using Parquet;
using Parquet.Schema;

namespace Pipeline.Stages.Parquet;

/// <summary>The values of some pages of a column, as the library decodes them: bytes, numbers of one type, or truth values.</summary>
internal abstract class PageValues
{
    /// <summary>Makes room for the values of a column.</summary>
    /// <exception cref="ColumnFormatException">Values of this kind are not read.</exception>
    public static PageValues Of(LeafColumn leaf) => leaf.Physical switch
    {
        PhysicalType.ByteArray => new ByteValues(),
        PhysicalType.Int32 => new NumberValues<int>(unchecked((int)0x9E3779B9), value => value),
        PhysicalType.Int64 => new NumberValues<long>(unchecked((long)0x9E3779B97F4A7C15), value => value),
        PhysicalType.Float => new NumberValues<float>(BitConverter.Int32BitsToSingle(0x7FC5A5A5), value => value),
        PhysicalType.Double => new NumberValues<double>(BitConverter.Int64BitsToDouble(0x7FF85A5A5A5A5A5A), value => value),
        PhysicalType.Boolean => new TruthValues(),
        _ => throw new ColumnFormatException($"it holds {leaf.Physical} values; write it as text, numbers or binary"),
    };

    /// <summary>A value of a column of bytes.</summary>
    public virtual ReadOnlySpan<byte> Bytes(int index) => throw new InvalidOperationException("the column holds numbers");

    /// <summary>A value of a column of numbers.</summary>
    public virtual double Number(int index) => throw new InvalidOperationException("the column holds bytes");

    /// <summary>A value of a column of numbers or truth values, in the type that it has in the file.</summary>
    public virtual object Scalar(int index) => throw new InvalidOperationException("the column holds bytes");

    /// <summary>Makes room for values, and fills it with one that stands for "not decoded".</summary>
    public abstract void Begin(int count);

    /// <summary>Whether <see cref="IsUnread"/> can tell.</summary>
    public virtual bool KnowsUnread => true;

    /// <summary>Whether nothing was decoded at an index. This reveals pages with fewer values than they claim.</summary>
    public abstract bool IsUnread(int index);

    public abstract Task ReadAsync(ParquetRowGroupReader group, DataField field, int count, Memory<int>? definitions, Memory<int>? repetitions);

    private abstract class Typed<T>(T unread) : PageValues
        where T : struct, IEquatable<T>
    {
        protected T[] Values { get; private set; } = [];

        public override void Begin(int count)
        {
            if (Values.Length < count)
                Values = new T[count];
            Values.AsSpan(0, count).Fill(unread);
        }

        public override bool IsUnread(int index) => Values[index].Equals(unread);

        public override async Task ReadAsync(ParquetRowGroupReader group, DataField field, int count, Memory<int>? definitions, Memory<int>? repetitions)
            => await group.ReadRawAsync<T>(field, Values.AsMemory(0, count), definitions, repetitions);
    }

    private sealed class ByteValues() : Typed<ReadOnlyMemory<byte>>(new byte[1])
    {
        public override ReadOnlySpan<byte> Bytes(int index) => Values[index].Span;
    }

    // A page may happen to contain the number that stands for "not decoded". At worst the file is then refused, but never misread.
    private sealed class NumberValues<T>(T unread, Func<T, double> number) : Typed<T>(unread)
        where T : struct, IEquatable<T>
    {
        private readonly T[] _unread = [unread];

        // Bit by bit, because what stands for "not decoded" in floating point is a NaN, and Equals says that all NaNs are equal.
        public override bool IsUnread(int index)
            => MemoryMarshal.AsBytes(Values.AsSpan(index, 1)).SequenceEqual(MemoryMarshal.AsBytes(_unread.AsSpan()));

        public override double Number(int index) => number(Values[index]);

        public override object Scalar(int index) => Values[index];
    }

    // Pages may contain both truth values, so there is none left that could stand for "not decoded".
    private sealed class TruthValues() : Typed<bool>(false)
    {
        public override bool KnowsUnread => false;

        public override object Scalar(int index) => Values[index];
    }
}
